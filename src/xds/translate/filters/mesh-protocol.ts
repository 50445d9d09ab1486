import { pack } from '../../proto.ts';
import type { HttpFilter } from './http-filter.ts';

const type = 'envoy.extensions.filters.http.set_filter_state.v3.Config';

/**
 * Says per request what is spoken inside the mesh's TLS, where the cluster cannot know it: stock Envoy has no `istio.alpn` (policy P12, P340,
 * docs/decisions/0019).
 */
export const meshProtocol: HttpFilter = {
  name: 'envoy.filters.http.set_filter_state',
  listener: (facts) => {
    if (facts.direction === 'inbound' || facts.meshProtocols.length === 0) return undefined;
    const formatString = { textFormatSource: { inlineString: facts.meshProtocols.join(',') } };
    return pack(type, {
      onRequestHeaders: [{ objectKey: 'envoy.network.application_protocols', formatString }],
    });
  },
  route: () => undefined,
};
