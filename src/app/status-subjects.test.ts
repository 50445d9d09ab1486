import { afterEach, describe, expect, it } from 'vitest';
import {
  aMesh,
  anObjectProblem,
  aService,
  aVirtualService,
  put,
  remove,
  type ARow,
} from '../../test/support/mesh-rows.ts';
import type { Condition } from '../model/condition.ts';
import { configKey, proxyKey, type ConfigKey } from '../model/keys.ts';
import type { Programming } from '../xds/programming.ts';
import { NackedObjects } from './nacked-objects.ts';
import { statusSubjects } from './status-subjects.ts';

const key = configKey('networking.istio.io/VirtualService', 'shop', 'web');
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const web = (generation = 1): ARow =>
  aVirtualService('web', { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] }, { generation });
const nobody: Programming = { proxies: 0, confirmed: 0, rejected: 0, rejections: [] };

const wallTimeAt = (at: number): number => 1_700_000_000_000 + at;

function someSubjects(programming: Programming = nobody, ...rows: readonly ARow[]) {
  const engine = aMesh(aService('web'), ...rows);
  const nacked = new NackedObjects();
  const subjects = statusSubjects({
    source: 'files',
    engine,
    xds: { programming: () => programming },
    wallTimeAt,
    nacked,
  });
  const changed: ConfigKey[] = [];
  ends.push(subjects.follow((each) => changed.push(each)));
  return { engine, subjects, nacked, news: () => changed.splice(0) };
}

function programmedOf(conditions: readonly Condition[]): Condition | undefined {
  return conditions.find(({ type }) => type === 'Programmed');
}

describe('Programmed', () => {
  it.each<[string, Partial<Programming>, Partial<Condition>]>([
    [
      'is unknown while nobody gets anything of it',
      {},
      { status: 'Unknown', reason: 'NoProxies', message: 'no connected proxy gets anything that follows from it' },
    ],
    [
      'is false while some have not confirmed it',
      { proxies: 3, confirmed: 2 },
      { status: 'False', reason: 'Pending', message: 'confirmed by 2 of 3 proxies' },
    ],
    [
      'is true when all have',
      { proxies: 1, confirmed: 1 },
      { status: 'True', reason: 'Programmed', message: 'confirmed by 1 of 1 proxy' },
    ],
    [
      'says who refuses it since when, in the words of the proxy (reliability/R19, policy/P431)',
      { proxies: 3, confirmed: 1, rejected: 1, rejections: [{ nodeId: 'web-2', message: 'bad regex', at: 0 }] },
      {
        status: 'False',
        reason: 'Rejected',
        message: 'confirmed by 1 of 3 proxies, refused by 1:\nweb-2, since 2023-11-14T22:13:20.000Z: bad regex',
      },
    ],
  ])('%s', (_, programming, expected) => {
    const { subjects } = someSubjects({ ...nobody, ...programming }, web(7));
    expect(programmedOf(subjects.conditionsOf(key))).toEqual({
      type: 'Programmed',
      observedGeneration: 7,
      ...expected,
    });
  });

  it('is false of an object that never was in force', () => {
    const problem = anObjectProblem(key, { generation: 2, path: 'spec', message: 'no', number: 1 });
    const { subjects } = someSubjects(nobody, problem);
    expect(programmedOf(subjects.conditionsOf(key))).toMatchObject({ status: 'False', reason: 'Invalid' });
  });
});

describe('the objects of a source', () => {
  it('are those in force and those refused, and each is told when something may have changed', () => {
    const problem = anObjectProblem(configKey('networking.istio.io/VirtualService', 'shop', 'bad'), {
      generation: 1,
      path: 'spec',
      message: 'no',
      number: 1,
    });
    const { engine, subjects, news } = someSubjects(nobody, web());
    expect([...subjects.keys()]).toEqual([key]);
    expect(news()).toEqual([key]);
    put(engine, web(2));
    expect(news()).toEqual([key]);
    put(engine, aService('other'));
    // Of another source.
    put(engine, problem);
    expect(news()).toEqual([]);
    remove(engine, web(2));
    expect([news(), subjects.conditionsOf(key)]).toEqual([[key], []]);
    put(engine, web(3));
    expect(news()).toEqual([key]);
  });

  it('are told when a proxy refuses what follows from them (reliability/R19)', () => {
    const { nacked, news } = someSubjects(nobody, web());
    news();
    const stream = { proxy: proxyKey('web-1#1'), nodeId: 'web-1', address: '10.0.0.1:1', wire: 'delta' } as const;
    const object = {
      kind: 'networking.istio.io/VirtualService',
      namespace: 'shop',
      name: 'web',
      origin: { source: 'files' },
    };
    nacked.observer.nacked({ stream, type: 'routes', nonce: '1', message: 'no', names: ['80'], objects: [object] });
    expect(news()).toEqual([key]);
  });

  it('are heard of when they are refused before they ever were in force', () => {
    const engine = aMesh();
    const subjects = statusSubjects({
      source: 'kubernetes',
      engine,
      xds: { programming: () => nobody },
      wallTimeAt,
      nacked: new NackedObjects(),
    });
    const changed: ConfigKey[] = [];
    ends.push(subjects.follow((each) => changed.push(each)));
    const problem = anObjectProblem(key, { generation: 1, path: 'spec', message: 'no', number: 1 });
    put(engine, problem);
    expect([changed, [...subjects.keys()]]).toEqual([[key], [key]]);
    remove(engine, problem);
    expect([changed, [...subjects.keys()]]).toEqual([[key, key], []]);
  });
});
