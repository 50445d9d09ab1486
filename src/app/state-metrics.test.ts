import { describe, expect, it } from 'vitest';
import type { Query } from '../incremental/definitions.ts';
import { Engine } from '../incremental/engine.ts';
import { endpointShardKey, serviceKey } from '../model/keys.ts';
import type { Service } from '../model/service.ts';
import type { Source, SourceProblem } from '../model/source.ts';
import { endpointShards, services, sourceProblems, sources } from '../model/tables.ts';
import { createMetrics } from '../observe/metrics.ts';
import { countCommits, countingEqual, measureState, measureTaint } from './state-metrics.ts';

const cause = { source: 'files', at: 0 };
const declaredBy = { kind: 'Service', namespace: 'shop', name: 'web', origin: { source: 'files' } };

function aService(name: string): Service {
  return {
    key: serviceKey('shop', `${name}.shop.svc.cluster.local`),
    hostname: `${name}.shop.svc.cluster.local`,
    namespace: 'shop',
    name,
    registry: 'kubernetes',
    ports: [{ name: 'http', number: 80, protocol: 'http', targetPort: 80 }],
    addresses: [],
    headless: false,
    resolution: 'endpoints',
    meshExternal: false,
    exportTo: undefined,
    labels: {},
    selector: undefined,
    publishNotReady: false,
    createdAt: 0,
    declaredBy,
  };
}

function aProblem(key: string, code: string): SourceProblem {
  return {
    key,
    source: 'files',
    place: { kind: 'document', file: 'a.yaml', document: 1, line: 1 },
    code,
    path: '',
    message: '',
    advice: '',
    keptLastGood: false,
  };
}

const files: Source = { name: 'files', kind: 'files', target: 'mesh', freshness: 'synced', since: 90_000, objects: 7 };

function aWorld() {
  const engine = new Engine();
  const metrics = createMetrics({ version: '1.2.3', uptime: () => 0, processMetrics: false });
  countCommits(engine, metrics);
  measureState(engine, () => [], metrics);
  return { engine, expose: () => metrics.expose(), metrics };
}

it('istio-compat/I156: counts what sources reported in istiod’s words', async () => {
  const { engine, expose } = aWorld();
  const web = aService('web');
  const shard = {
    key: endpointShardKey(web.key, 'files', 'web-1'),
    service: web.key,
    ports: {},
    endpoints: [],
    declaredBy,
  };
  engine.batch(cause, (write) => {
    write.put(services, web);
    write.put(services, aService('cart'));
    write.put(endpointShards, shard);
  });
  engine.batch(cause, (write) => write.remove(services, web.key));
  const text = await expose();
  expect(text).toContain('pilot_inbound_updates{type="svc"} 2');
  expect(text).toContain('pilot_inbound_updates{type="svcdelete"} 1');
  expect(text).toContain('pilot_inbound_updates{type="eds"} 1');
  expect(text).toContain('weir_commits_total{source="files"} 2');
});

it('istio-compat/I157: counts services', async () => {
  const { engine, expose } = aWorld();
  engine.batch(cause, (write) => {
    write.put(services, aService('web'));
    write.put(services, aService('cart'));
  });
  expect(await expose()).toContain('pilot_services 2');
});

describe('sources', () => {
  it('have exactly one state', async () => {
    const { engine, expose } = aWorld();
    engine.batch(cause, (write) => write.put(sources, files));
    engine.batch(cause, (write) => write.put(sources, { ...files, freshness: 'stale' }));
    const text = await expose();
    expect(text).toContain('weir_source_freshness{source="files",freshness="stale"} 1');
    expect(text).toContain('weir_source_freshness{source="files",freshness="synced"} 0');
    expect(text).toContain('weir_source_freshness_changed_timestamp_seconds{source="files"} 90');
    expect(text).toContain('weir_source_objects{source="files"} 7');
  });

  it('have problems by code, which disappear when they are solved', async () => {
    const { engine, expose } = aWorld();
    engine.batch(cause, (write) => {
      for (const key of ['a', 'b']) write.put(sourceProblems, aProblem(key, 'WEIR2007'));
    });
    expect(await expose()).toContain('weir_source_problems{source="files",code="WEIR2007"} 2');
    // Both are about one object.
    expect(await expose()).toContain('pilot_total_rejected_configs 1');
    engine.batch(cause, (write) => {
      for (const key of ['a', 'b']) write.remove(sourceProblems, key);
    });
    expect(await expose()).not.toContain('weir_source_problems{');
    expect(await expose()).toContain('pilot_total_rejected_configs 0');
  });
});

it('counts results that were computed again and came out equal', () => {
  const { engine } = aWorld();
  const parity: Query<string, number> = {
    name: 'parity',
    compute: (read) => (read(sources, 'files')?.objects ?? 0) % 2,
  };
  let equal = 0;
  const counted = countingEqual(parity, () => equal++);
  engine.watch(counted, 'any', () => undefined);
  for (const objects of [2, 4, 5]) engine.batch(cause, (write) => write.put(sources, { ...files, objects }));
  expect(equal).toBe(2);
});

it('counts what is remembered of refusals, and what had to be forgotten, as it stands', async () => {
  const metrics = createMetrics({ version: 'test', uptime: () => 0, processMetrics: false });
  const readings = [
    { names: 3, dropped: 1 },
    { names: 0, dropped: 2 },
  ];
  measureTaint(() => readings.shift() ?? { names: 0, dropped: 0 }, metrics);
  expect(await metrics.expose()).toMatch(/^weir_tainted_names 3$/m);
  const text = await metrics.expose();
  expect(text).toMatch(/^weir_tainted_names 0$/m);
  expect(text).toMatch(/^weir_dropped_tainted_names_total 2$/m);
});
