import type { Protocol } from '../../../model/protocol.ts';
import type { Locality } from '../../../model/workload.ts';
import { isMessage } from '../client/json-message.ts';

/** What an instance says of itself: words of whoever registered it, never identity and never policy (registries N50, reliability S31). */
export type Metadata = Readonly<Record<string, string>>;

/** What is looked at of an instance's metadata. */
const mostEntries = 64;
const longestLabel = 63;

/** Text under text, as far as it is that. */
export function readMetadata(value: unknown): Metadata {
  if (!isMessage(value)) return {};
  const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(entries.slice(0, mostEntries));
}

const labelName = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/**
 * Metadata that can be labels, by which subsets select, and the name of the instance's cluster as `cluster`, as in what Nacos itself exports
 * (registries M7). A name with a prefix (`istio.io/…`) has a meaning for others, which a registry does not give (reliability S31).
 */
export function labelsOf(metadata: Metadata, cluster: string): Metadata {
  const labels = Object.entries(metadata).filter(
    ([name, value]) => labelName.test(name) && value.length <= longestLabel && labelValue.test(value),
  );
  const own = labelValue.test(cluster) && cluster !== '' ? [['cluster', cluster] as const] : [];
  return Object.fromEntries([...labels, ...own].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** `region`, `zone` and `subzone`, where they are said; undefined where none is. */
export function localityOf(metadata: Metadata): Locality | undefined {
  const part = (name: string): string => {
    const text = metadata[name] ?? '';
    return labelValue.test(text) ? text : '';
  };
  const locality = { region: part('region'), zone: part('zone'), subZone: part('subzone') };
  return locality.region === '' && locality.zone === '' ? undefined : locality;
}

const protocols: ReadonlyMap<string, Protocol> = new Map([
  ['http', 'http'],
  ['rest', 'http'],
  ['https', 'https'],
  ['http2', 'http2'],
  ['h2c', 'http2'],
  ['grpc', 'grpc'],
  ['tri', 'grpc'],
  ['triple', 'grpc'],
  ['tcp', 'tcp'],
  ['dubbo', 'tcp'],
]);

/**
 * What an instance speaks: its `protocol`, where Weir knows the word and TCP where it does not; `secure: true` is Spring Cloud's word for HTTPS;
 * without a word HTTP, which is what Nacos itself exports (registries M7).
 */
export function protocolOf(metadata: Metadata): Protocol {
  const said = metadata['protocol']?.toLowerCase();
  if (said !== undefined && said !== '') return protocols.get(said) ?? 'tcp';
  return metadata['secure'] === 'true' ? 'https' : 'http';
}
