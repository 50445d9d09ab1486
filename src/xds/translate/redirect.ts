import type { DirectResponse, Redirect } from '../../model/routing.ts';
import type * as envoy from '../envoy.ts';

const responseCodes: Readonly<Record<Redirect['code'], envoy.RedirectAction['responseCode']>> = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
};

/**
 * @param listenerPort port on which the request came in: Envoy cannot derive it, but a route table belongs to one port
 * (policy A5)
 */
export function redirectAction(redirect: Redirect, listenerPort: number): envoy.RedirectAction {
  return {
    responseCode: responseCodes[redirect.code],
    hostRedirect: redirect.authority,
    schemeRedirect: redirect.scheme,
    portRedirect: redirectPort(redirect, listenerPort),
    pathRedirect: redirect.uri,
    prefixRewrite: redirect.prefix,
  };
}

/**
 * undefined: the port of the request, or the scheme's own after a change of scheme, which is what Envoy does unasked.
 */
function redirectPort(redirect: Redirect, listenerPort: number): number | undefined {
  if (redirect.port === undefined || redirect.port === 'from-protocol-default') return undefined;
  const port = redirect.port === 'from-request' ? listenerPort : redirect.port;
  const wellKnown = (redirect.scheme ?? 'http') === 'https' ? 443 : 80;
  return port === wellKnown ? undefined : port;
}

/** @returns an answer that the proxy gives itself (policy A6) */
export function directResponseAction(response: DirectResponse): envoy.DirectResponseAction {
  const { status, body } = response;
  if (body === undefined) return { status };
  return {
    status,
    body: body.kind === 'text' ? { inlineString: body.text } : { inlineBytes: Buffer.from(body.base64, 'base64') },
  };
}
