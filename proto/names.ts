/**
 * Short TypeScript names of messages and enums: the last part of the full name, a nested one behind its outer ones
 * (`Cluster_LbPolicy`). Where the API uses one name twice, the rarer one is named here; the compiler insists on it.
 */
const exceptions: Readonly<Record<string, string>> = {
  'envoy.config.bootstrap.v3.Runtime': 'BootstrapRuntime',
  'envoy.config.cluster.v3.Filter': 'ClusterFilter',
  'envoy.config.core.v3.HttpProtocolOptions': 'CommonHttpProtocolOptions',
  'envoy.config.core.v3.RetryPolicy': 'CoreRetryPolicy',
  'envoy.config.listener.v3.QuicProtocolOptions': 'ListenerQuicProtocolOptions',
  'envoy.config.trace.v3.ClientConfig': 'TraceClientConfig',
  'envoy.config.trace.v3.Tracing': 'BootstrapTracing',
  'envoy.extensions.clusters.aggregate.v3.ClusterConfig': 'AggregateClusterConfig',
  'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig': 'DynamicForwardProxyClusterConfig',
  'envoy.extensions.compression.gzip.compressor.v3.Gzip': 'GzipCompressor',
  'envoy.extensions.compression.gzip.decompressor.v3.Gzip': 'GzipDecompressor',
  'envoy.extensions.filters.http.cors.v3.CorsPolicy': 'CorsFilterPolicy',
  'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig': 'DynamicForwardProxyFilterConfig',
  'envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig': 'DynamicForwardProxyPerRouteConfig',
  'envoy.extensions.filters.http.ext_authz.v3.HttpService': 'ExtAuthzHttpService',
  'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig': 'GrpcStatsFilterConfig',
  'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation': 'HeaderMutationFilter',
  'envoy.extensions.filters.http.health_check.v3.HealthCheck': 'HealthCheckFilter',
  'envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig': 'JwtPerRouteConfig',
  'envoy.extensions.filters.http.on_demand.v3.PerRouteConfig': 'OnDemandPerRouteConfig',
  'envoy.extensions.filters.http.ratelimit.v3.RateLimit': 'RateLimitFilter',
  'envoy.extensions.filters.http.rbac.v3.RBAC': 'HttpRBAC',
  'envoy.extensions.filters.http.set_filter_state.v3.Config': 'HttpSetFilterState',
  'envoy.extensions.filters.http.set_metadata.v3.Config': 'SetMetadata',
  'envoy.extensions.filters.http.set_metadata.v3.Metadata': 'SetMetadata_Metadata',
  'envoy.extensions.filters.listener.local_ratelimit.v3.LocalRateLimit': 'ListenerLocalRateLimit',
  'envoy.extensions.filters.network.direct_response.v3.Config': 'NetworkDirectResponse',
  'envoy.extensions.filters.network.dubbo_proxy.router.v3.Router': 'DubboRouter',
  'envoy.extensions.filters.network.dubbo_proxy.v3.Route': 'DubboRoute',
  'envoy.extensions.filters.network.dubbo_proxy.v3.RouteAction': 'DubboRouteAction',
  'envoy.extensions.filters.network.dubbo_proxy.v3.RouteConfiguration': 'DubboRouteConfiguration',
  'envoy.extensions.filters.network.dubbo_proxy.v3.RouteMatch': 'DubboRouteMatch',
  'envoy.extensions.filters.network.ext_authz.v3.ExtAuthz': 'NetworkExtAuthz',
  'envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit': 'NetworkLocalRateLimit',
  'envoy.extensions.filters.network.ratelimit.v3.RateLimit': 'NetworkRateLimitFilter',
  'envoy.extensions.filters.network.rbac.v3.RBAC': 'NetworkRBAC',
  'envoy.extensions.filters.network.set_filter_state.v3.Config': 'NetworkSetFilterState',
  'envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig': 'SniDynamicForwardProxyFilterConfig',
  'envoy.extensions.filters.network.wasm.v3.Wasm': 'NetworkWasm',
  'envoy.extensions.filters.udp.udp_proxy.v3.Route': 'UdpRoute',
  'envoy.extensions.formatter.metadata.v3.Metadata': 'MetadataFormatter',
  'envoy.extensions.matching.common_inputs.environment_variable.v3.Config': 'EnvironmentVariableInput',
  'envoy.extensions.upstreams.tcp.generic.v3.GenericConnectionPoolProto': 'TcpGenericConnectionPoolProto',
  'envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions': 'UpstreamTcpProtocolOptions',
  'udpa.type.v1.TypedStruct': 'UdpaTypedStruct',
};

/**
 * @param fullName full name of a message or enum
 * @param outer full name of the outermost message that it is declared in, itself when it is not nested
 */
export function shortName(fullName: string, outer: string): string {
  const own = exceptions[fullName];
  if (own !== undefined) return own;
  const base =
    exceptions[outer] ?? `${outer.startsWith('xds.') ? 'Xds' : ''}${outer.slice(outer.lastIndexOf('.') + 1)}`;
  return `${base}${fullName.slice(outer.length).replaceAll('.', '_')}`;
}
