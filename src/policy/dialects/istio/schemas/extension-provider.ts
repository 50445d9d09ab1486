import type { z } from 'zod';
import { duration, flag, list, map, message, opaque, text, uint32 } from './fields.ts';

const body = message({ maxRequestBytes: uint32, allowPartialMessage: flag, packAsBytes: flag });

const common = {
  service: text,
  port: uint32,
  timeout: duration,
  failOpen: flag,
  statusOnError: text,
  includeRequestBodyInCheck: body,
  clearRouteCache: flag,
} as const;

const http = message({
  ...common,
  pathPrefix: text,
  includeHeadersInCheck: list(text),
  includeRequestHeadersInCheck: list(text),
  includeAdditionalHeadersInCheck: map(text),
  headersToUpstreamOnAllow: list(text),
  headersToDownstreamOnDeny: list(text),
  headersToDownstreamOnAllow: list(text),
});

const grpc = message(common);

/** A service beside the mesh that objects refer to by name. */
export const extensionProvider = message({
  name: text,
  envoyExtAuthzHttp: http,
  envoyExtAuthzGrpc: grpc,
  zipkin: opaque,
  lightstep: opaque,
  datadog: opaque,
  stackdriver: opaque,
  opencensus: opaque,
  skywalking: opaque,
  opentelemetry: opaque,
  prometheus: opaque,
  envoyFileAccessLog: opaque,
  envoyHttpAls: opaque,
  envoyTcpAls: opaque,
  envoyOtelAls: opaque,
  sds: opaque,
});

export type ExtensionProviderSpec = z.infer<typeof extensionProvider>;
export type HttpProviderSpec = z.infer<typeof http>;
export type GrpcProviderSpec = z.infer<typeof grpc>;
