import type { CallMetadata } from '../transport.ts';
import { refusalOf, type Refusal } from '../refusal.ts';
import type { HeaderField } from './static-table.ts';

/** What the headers of a request ask for. */
export type RequestHead =
  | Call
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** It is no request at all (RFC 9113 section 8.1.1). */
  | { readonly kind: 'malformed'; readonly reason: string };

export interface Call {
  readonly kind: 'call';
  readonly path: string;
  readonly metadata: CallMetadata;
}

const pseudoHeaders: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path']);
/** They speak of the connection, which HTTP/2 has no words for (RFC 9113 section 8.2.2). */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);
const fieldName = /^:?[!#$%&'*+\-.^_`|~\da-z]+$/;
const forbiddenInValue = /[\0\r\n]|^[ \t]|[ \t]$/;

export function readRequest(fields: readonly HeaderField[]): RequestHead {
  const values = new Map<string, string>();
  let isPastPseudo = false;
  for (const [name, value] of fields) {
    const isPseudo = name.startsWith(':');
    const fault =
      faultOf(name, value) ?? (isPseudo ? pseudoFaultOf(name, isPastPseudo || values.has(name)) : undefined);
    if (fault !== undefined) return { kind: 'malformed', reason: fault };
    isPastPseudo ||= !isPseudo;
    const before = values.get(name);
    // One header said twice is one with both values (RFC 9110 section 5.3), which for a credential is none.
    values.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const [method, path] = [values.get(':method'), values.get(':path')];
  if (method === undefined || !values.has(':scheme') || path === undefined || path === '') {
    return { kind: 'malformed', reason: 'a request has a method, a scheme and a path' };
  }
  const refusal = refusalOf({
    method,
    contentType: values.get('content-type') ?? '',
    encoding: values.get('grpc-encoding') ?? 'identity',
  });
  if (refusal !== undefined) return { kind: 'refused', refusal };
  const metadata = { authorization: values.get('authorization'), clusterId: values.get('clusterid') ?? '' };
  return { kind: 'call', path, metadata };
}

/** What is wrong with trailers; undefined: nothing. Weir reads nothing in them. */
export function faultOfTrailers(fields: readonly HeaderField[]): string | undefined {
  for (const [name, value] of fields) {
    const fault = name.startsWith(':') ? `trailers have no ${name}` : faultOf(name, value);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOf(name: string, value: string): string | undefined {
  if (!fieldName.test(name)) return 'the name of a header has characters that it may not have';
  if (forbiddenInValue.test(value)) return `the value of ${name} has characters that it may not have`;
  if (connectionHeaders.has(name)) return `there is no ${name} in HTTP/2`;
  if (name === 'te' && value !== 'trailers') return 'te says anything but trailers';
  return undefined;
}

function pseudoFaultOf(name: string, isOutOfPlace: boolean): string | undefined {
  if (!pseudoHeaders.has(name)) return `requests have no ${name}`;
  return isOutOfPlace ? `${name} comes twice or too late` : undefined;
}
