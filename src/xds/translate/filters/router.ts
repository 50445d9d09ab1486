import { pack } from '../../proto.ts';
import type { HttpFilter } from './http-filter.ts';

/** Sends the request to the cluster that the route names. */
export const router: HttpFilter = {
  name: 'envoy.filters.http.router',
  listener: () => pack('envoy.extensions.filters.http.router.v3.Router', {}),
  route: () => undefined,
};
