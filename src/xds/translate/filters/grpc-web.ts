import { pack } from '../../proto.ts';
import type { HttpFilter } from './http-filter.ts';

/** Lets browsers, which cannot speak gRPC, call a gRPC server: the server's own proxy translates (policy P301). */
export const grpcWeb: HttpFilter = {
  name: 'envoy.filters.http.grpc_web',
  listener: (facts) =>
    facts.direction === 'inbound' && facts.protocol === 'grpc-web'
      ? pack('envoy.extensions.filters.http.grpc_web.v3.GrpcWeb', {})
      : undefined,
  route: () => undefined,
};
