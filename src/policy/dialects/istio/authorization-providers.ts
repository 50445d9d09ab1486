import { compareText } from '../../../model/config-object.ts';
import type { AuthorizationProvider, CheckedBody, HttpCheck } from '../../../model/authorization-provider.ts';
import { fieldPath, quote } from './field-path.ts';
import { checkHeaderName } from './headers.ts';
import { fullHost } from './hosts.ts';
import type { Reading } from './reading.ts';
import type { ExtensionProviderSpec, GrpcProviderSpec, HttpProviderSpec } from './schemas/extension-provider.ts';
import { decodeDuration, decodePort, itemsOf } from './values.ts';

/** Istio's own default for both forms of providers (policy Z18). */
const defaultTimeoutMs = 600_000;

/** Those extension providers that can be asked about calls. */
export function decodeAuthorizationProviders(
  list: readonly (ExtensionProviderSpec | undefined)[] | undefined,
  reading: Reading,
): readonly AuthorizationProvider[] | undefined {
  if (list === undefined) return undefined;
  const providers = new Map<string, AuthorizationProvider>();
  for (const { item, at } of itemsOf(list, 'spec.extensionProviders')) {
    const { name = '', envoyExtAuthzHttp, envoyExtAuthzGrpc } = item;
    const provider =
      envoyExtAuthzHttp !== undefined
        ? decodeHttp(name, envoyExtAuthzHttp, `${at}.envoyExtAuthzHttp`, reading)
        : envoyExtAuthzGrpc !== undefined
          ? decodeCommon(name, envoyExtAuthzGrpc, `${at}.envoyExtAuthzGrpc`, reading)
          : undefined;
    if (name === '') reading.error('WEIR1005', `${at}.name`, 'the provider has no name', 'add name');
    else if (providers.has(name)) {
      const message = `there is a provider ${quote(name)} already; the first one counts`;
      reading.warn('WEIR1205', `${at}.name`, message, 'rename or remove one of them');
    } else if (provider === undefined) reading.notInForce(at, 'only providers that authorize are');
    else providers.set(name, provider);
  }
  return [...providers.values()];
}

function decodeHttp(name: string, spec: HttpProviderSpec, at: string, reading: Reading): AuthorizationProvider {
  if (spec.includeHeadersInCheck !== undefined) {
    reading.deprecated(`${at}.includeHeadersInCheck`, 'includeRequestHeadersInCheck');
  }
  const protocol: HttpCheck = {
    kind: 'http',
    pathPrefix: decodePathPrefix(spec.pathPrefix ?? '', `${at}.pathPrefix`, reading),
    requestHeaders: names(spec.includeRequestHeadersInCheck ?? spec.includeHeadersInCheck),
    addedHeaders: Object.entries(spec.includeAdditionalHeadersInCheck ?? {})
      .filter(([header]) =>
        checkHeaderName(header, fieldPath(`${at}.includeAdditionalHeadersInCheck`, header), reading),
      )
      .toSorted(([a], [b]) => compareText(a, b)),
    headersToApplication: names(spec.headersToUpstreamOnAllow),
    headersToCallerOnRefusal: names(spec.headersToDownstreamOnDeny),
    headersToCallerOnSuccess: names(spec.headersToDownstreamOnAllow),
  };
  return { ...decodeCommon(name, spec, at, reading), protocol };
}

function decodePathPrefix(prefix: string, path: string, reading: Reading): string {
  if (prefix === '' || prefix.startsWith('/')) return prefix;
  reading.error('WEIR1022', path, `${quote(prefix)} is no beginning of a path`, 'begin it with a slash');
  return '';
}

function decodeCommon(name: string, spec: GrpcProviderSpec, at: string, reading: Reading): AuthorizationProvider {
  return {
    name,
    host: decodeService(spec.service, `${at}.service`, reading),
    port: decodePort(spec.port, `${at}.port`, reading) ?? 0,
    timeoutMs: decodeDuration(spec.timeout, `${at}.timeout`, reading) ?? defaultTimeoutMs,
    failsOpen: spec.failOpen ?? false,
    statusOnError: decodeStatus(spec.statusOnError, `${at}.statusOnError`, reading),
    requestBody: decodeBody(spec.includeRequestBodyInCheck, `${at}.includeRequestBodyInCheck`, reading),
    clearsRouteCache: spec.clearRouteCache ?? false,
    protocol: { kind: 'grpc' },
  };
}

/** `HOST`, or `NAMESPACE/HOST` where namespaces have services of the same name. */
function decodeService(service: string | undefined, path: string, reading: Reading): string {
  const host = service?.slice(service.indexOf('/') + 1) ?? '';
  if (host === '') {
    reading.error('WEIR1005', path, 'the service is missing', 'name the service that answers');
    return '';
  }
  return fullHost(host, reading);
}

function decodeStatus(text: string | undefined, path: string, reading: Reading): number | undefined {
  if (text === undefined || text === '') return undefined;
  const status = Number(text);
  if (/^[1-5][0-9]{2}$/.test(text)) return status;
  reading.error('WEIR1004', path, `${quote(text)} is no HTTP status`, 'write a number such as 403');
  return undefined;
}

function decodeBody(
  spec: HttpProviderSpec['includeRequestBodyInCheck'],
  path: string,
  reading: Reading,
): CheckedBody | undefined {
  if (spec === undefined) return undefined;
  const { maxRequestBytes = 0, allowPartialMessage, packAsBytes } = spec;
  if (maxRequestBytes === 0) {
    const advice = 'say how many bytes of the body are shown';
    reading.error('WEIR1005', `${path}.maxRequestBytes`, 'the largest body is missing', advice);
  }
  return { maximumBytes: maxRequestBytes, allowsPart: allowPartialMessage ?? false, asBytes: packAsBytes ?? false };
}

function names(list: readonly (string | undefined)[] | undefined): readonly string[] {
  return (list ?? []).filter((name) => name !== undefined && name !== '').filter((name) => name !== undefined);
}
