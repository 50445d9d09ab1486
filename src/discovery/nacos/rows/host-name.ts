import { createHash } from 'node:crypto';

/** Names of Nacos made into DNS names: valid whatever was registered, and no two of Nacos' names give one (registries M8). */

/** A service of Nacos by all its names. */
export interface NacosServiceName {
  /** Id of the namespace. */
  readonly namespace: string;
  readonly group: string;
  readonly service: string;
}

/** Behind all hosts, as in what Nacos itself exports (registries M6, M7). */
const suffix = 'nacos';
const defaultGroup = 'DEFAULT_GROUP';
const hostOfDefaultGroup = 'default-group';
const longestLabel = 63;
/** So that the group, the namespace and the suffix fit behind it: a DNS name has 253 characters. */
const longestService = 110;

/** `orders` of DEFAULT_GROUP in `public`: `orders.default-group.public.nacos`. */
export function hostOf({ namespace, group, service }: NacosServiceName): string {
  const groupLabel = group === defaultGroup ? hostOfDefaultGroup : labelOf(group, [hostOfDefaultGroup]);
  return [dottedOf(service), groupLabel, labelOf(namespace), suffix].join('.');
}

/**
 * One DNS label. A text that is one already stays; all else is made one and marked with a hash of what it was, because others could become
 * the same.
 *
 * @param taken labels that this text must not give
 */
export function labelOf(text: string, taken: readonly string[] = []): string {
  const isLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) && !taken.includes(text) && !isMarked(text);
  return isLabel ? text : marked(text, longestLabel);
}

/** Labels with dots between them, each as it was. */
function dottedOf(text: string): string {
  const labels = text.split('.');
  const isName = text.length <= longestService && labels.every((label) => labelOf(label) === label);
  return isName ? text : labels.length === 1 ? labelOf(text) : marked(text, longestLabel);
}

const markLength = 10;

/** A text that looks like one that was marked gets a mark of its own: or it could be registered in the place of another. */
function isMarked(text: string): boolean {
  return /(^|-)x[0-9a-f]{10}$/.test(text);
}

function marked(text: string, longest: number): string {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, markLength);
  const room = longest - markLength - 2;
  const readable = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, room)
    .replace(/-+$/, '');
  return `${readable}${readable === '' ? 'x' : '-x'}${hash}`;
}
