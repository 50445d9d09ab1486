import { equalShardEndpoints, type EndpointShard, type ShardEndpoint } from '../../model/endpoint.ts';
import { isDeepStrictEqual } from 'node:util';
import type { ServicePort } from '../../model/service.ts';
import type { SourceProblem } from '../../model/source.ts';
import { successors, type SourceRow } from '../source-row.ts';
import { nameText, type ServiceInfo, type ServiceName } from './client/service-info.ts';
import { readService, type NamespaceContext } from './rows/service-rows.ts';

/** What is in force of one service. */
export interface KeptService {
  readonly rows: readonly SourceRow[];
  readonly problems: readonly SourceProblem[];
}

export const nothingKept: KeptService = { rows: [], problems: [] };

/** The services of one namespace as they are in force. */
export class ServiceBoard {
  readonly #context: NamespaceContext;
  readonly #kept = new Map<string, KeptService>();
  readonly #labels = new Map<string, ShardEndpoint['labels']>();

  constructor(context: NamespaceContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#kept.size;
  }

  /**
   * What a service is now, made of the old rows where they are the same (registries N42); undefined when nothing is different.
   */
  accept(info: ServiceInfo): { readonly before: KeptService; readonly now: KeptService } | undefined {
    const key = nameText(info.name);
    const before = this.#kept.get(key) ?? nothingKept;
    const read = readService(info, this.#context, portsOf(before));
    const rows = successors(before.rows, read.rows, (old, next) => this.#successor(old, next));
    const isSame =
      rows.length === before.rows.length && rows.every((row) => before.rows.some((old) => old.row === row.row));
    if (isSame && isDeepStrictEqual(read.problems, before.problems)) return undefined;
    const now = { rows: rows.map((row) => this.#shared(row, before.rows)), problems: read.problems };
    this.#kept.set(key, now);
    return { before, now };
  }

  /** Forgets a service, and gives what was in force of it. */
  forget(name: ServiceName): KeptService {
    const kept = this.#kept.get(nameText(name)) ?? nothingKept;
    this.#kept.delete(nameText(name));
    return kept;
  }

  #successor(old: SourceRow, next: SourceRow): SourceRow {
    if (old.kind !== 'shard' || next.kind !== 'shard') return isDeepStrictEqual(old.row, next.row) ? old : next;
    const row = withOldEndpoints(old.row, next.row);
    const isSame =
      row.endpoints.length === old.row.endpoints.length &&
      row.endpoints.every((endpoint, index) => endpoint === old.row.endpoints[index]);
    return isSame ? old : { kind: 'shard', row };
  }

  /** Labels that many instances have in common are kept once: they are most of what an instance weighs. */
  #shared(row: SourceRow, before: readonly SourceRow[]): SourceRow {
    if (row.kind !== 'shard' || before.includes(row)) return row;
    const endpoints = row.row.endpoints.map((endpoint) => {
      const content = JSON.stringify(endpoint.labels);
      const labels = this.#labels.get(content);
      if (labels !== undefined) return labels === endpoint.labels ? endpoint : { ...endpoint, labels };
      if (this.#labels.size >= mostShared) this.#labels.clear();
      this.#labels.set(content, endpoint.labels);
      return endpoint;
    });
    return { kind: 'shard', row: { ...row.row, endpoints } };
  }
}

/** So that instances whose metadata never repeats cost no memory without end. */
const mostShared = 10_000;

/** The objects of endpoints that did not change: what looks at them sees at once that they are the same. */
function withOldEndpoints(old: EndpointShard, next: EndpointShard): EndpointShard {
  const known = new Map(old.endpoints.map((endpoint) => [endpoint.address, endpoint]));
  const endpoints = next.endpoints.map((endpoint) => {
    const same = known.get(endpoint.address);
    return same !== undefined && equalShardEndpoints(same, endpoint) ? same : endpoint;
  });
  return { ...next, endpoints };
}

function portsOf({ rows }: KeptService): readonly ServicePort[] | undefined {
  return rows.flatMap((row) => (row.kind === 'service' ? [row.row.ports] : []))[0];
}
