import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ProxyReport, StatusReport, TypeReport } from '../admin/status-report.ts';
import { ageText, statusText } from './status-text.ts';

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

function aType(type: Partial<TypeReport>): TypeReport {
  return {
    type: 'cluster',
    state: 'synced',
    wildcard: true,
    resources: 3,
    version: 'v2',
    sent: { version: 'v2', nonce: '7', at: time(97) },
    acked: { version: 'v2', at: time(98) },
    ...type,
  };
}

function aProxy(types: readonly TypeReport[]): ProxyReport {
  return {
    nodeId: 'sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local',
    namespace: 'shop',
    workload: 'web-1',
    version: '1.40.0',
    address: '127.0.0.1:4711',
    protocol: 'delta',
    connectedAt: time(0),
    state: 'synced',
    types,
  };
}

function aReport(report: Partial<StatusReport> = {}): StatusReport {
  return {
    version: '1.2.3',
    startedAt: time(0),
    readiness: { ready: true, reasons: [] },
    sources: [
      {
        name: 'files',
        kind: 'files',
        target: 'mesh',
        freshness: 'synced',
        since: time(90),
        objects: 7,
        problems: 0,
      },
    ],
    problems: [],
    findings: [],
    objects: [],
    scopes: {},
    proxies: [],
    ...report,
  };
}

const object = {
  kind: 'networking.istio.io/VirtualService',
  namespace: 'shop',
  name: 'web',
  source: 'files',
  file: 'mesh/web.yaml',
  line: 12,
  path: 'spec.http[0]',
};

function textOf(report: Partial<StatusReport>): string {
  return statusText(aReport(report), { colours: false, now: 100_000 });
}

it('is short when nothing is wrong and nobody is connected', () => {
  expect(textOf({})).toBe(
    [
      'weir 1.2.3, ready, started 100s ago',
      '',
      'SOURCES',
      'NAME   KIND   STATE   SINCE  OBJECTS  PROBLEMS  TARGET  WHY',
      'files  files  synced  10s    7        0         mesh',
      '',
      'PROXIES',
      'none is connected',
      '',
    ].join('\n'),
  );
});

it('says why it is not ready, and why a source is not fresh', () => {
  const text = textOf({
    readiness: { ready: false, reasons: ['source files has not been read yet'] },
    sources: [{ ...aReport().sources[0]!, freshness: 'stale', reason: 'the directory is gone' }],
  });
  expect(text).toContain('weir 1.2.3, not ready: source files has not been read yet, started');
  expect(text).toMatch(/^files .* stale .* mesh +the directory is gone$/m);
});

it('shows what became of objects, in a row each', () => {
  const about = { observedGeneration: 1, message: '' };
  const web = { kind: object.kind, namespace: 'shop', name: 'web' };
  const rows = textOf({
    objects: [
      {
        ...web,
        conditions: [
          { type: 'Accepted', status: 'True', reason: 'Accepted', ...about },
          { type: 'ResolvedRefs', status: 'False', reason: 'HostNotFound', ...about },
          {
            type: 'Programmed',
            status: 'False',
            reason: 'Rejected',
            ...about,
            message: 'confirmed by 1 of 2 proxies, refused by 1:\nx',
          },
          { type: 'Shadowed', status: 'True', reason: 'RuleUnreachable', ...about },
        ],
      },
      { ...web, name: 'api', conditions: [{ type: 'Accepted', status: 'False', reason: 'Invalid', ...about }] },
    ],
  });
  expect(rows).toContain(
    [
      'OBJECTS',
      'OBJECT                   ACCEPTED  RESOLVED      PROGRAMMED                                 ALSO',
      'VirtualService shop/web  Accepted  HostNotFound  confirmed by 1 of 2 proxies, refused by 1  Shadowed (RuleUnreachable)',
      'VirtualService shop/api  Invalid   -             -',
    ].join('\n'),
  );
});

it('shows how it goes with each kind of a source that follows them one by one', () => {
  const kinds = [
    { kind: 'Pod', state: 'following', objects: 7 },
    {
      kind: 'networking.istio.io/VirtualService',
      namespace: 'shop',
      state: 'absent',
      reason: 'no such kind',
      objects: 0,
    },
  ] as const;
  const [source] = aReport().sources;
  expect(textOf({ sources: source === undefined ? [] : [{ ...source, kinds }] })).toContain(
    [
      'KINDS',
      'SOURCE  KIND                                NAMESPACE  STATE      OBJECTS  WHY',
      'files   Pod                                 all        following  7',
      'files   networking.istio.io/VirtualService  shop       absent     0        no such kind',
    ].join('\n'),
  );
});

it('names the object of a problem without a file', () => {
  const problem = {
    source: 'kubernetes',
    code: 'WEIR1004',
    object: { kind: 'Service', namespace: 'shop', name: 'web' },
    path: 'spec.ports[0].port',
    message: 'is too large',
    advice: 'write a smaller one',
    keptLastGood: true,
  };
  expect(textOf({ problems: [problem] })).toContain(
    'PROBLEMS\nService shop/web: WEIR1004 in spec.ports[0].port: is too large (the last good version stays in force)\n' +
      '    write a smaller one',
  );
});

it('names file, line, document and field of a problem, and what to do', () => {
  const problem = {
    source: 'files',
    code: 'WEIR1001',
    file: 'mesh/web.yaml',
    document: 2,
    line: 12,
    path: 'spec.http[0].timeout',
    message: 'is no duration',
    advice: 'write it like 3s',
    keptLastGood: true,
  };
  expect(textOf({ problems: [problem] })).toContain(
    'PROBLEMS\nmesh/web.yaml:12: WEIR1001 in document 2 in spec.http[0].timeout: is no duration ' +
      '(the last good version stays in force)\n    write it like 3s\n',
  );
});

it('names the object of a finding', () => {
  const finding = {
    severity: 'warning',
    code: 'IST0101',
    object,
    message: 'no such host',
    advice: 'correct it',
  } as const;
  expect(textOf({ findings: [finding] })).toContain(
    'FINDINGS\nmesh/web.yaml:12: VirtualService shop/web, spec.http[0]: IST0101 no such host\n    correct it\n',
  );
});

describe('the certificate authority', () => {
  const authority = {
    place: 'the directory ca',
    madeBy: 'weir',
    ends: '2036-11-18T00:00:00.000Z',
    roots: [{ subject: 'CN=Weir root 1', serial: '4F25', ends: '2036-11-18T00:00:00.000Z' }],
    rotation: 'steady',
  };

  it('reliability/R29: is there with when it ends', () => {
    const text = textOf({ authority });
    expect(text.slice(text.indexOf('AUTHORITY'), text.indexOf('PROXIES'))).toBe(
      [
        'AUTHORITY',
        'in the directory ca, made by weir; what signs ends on 2036-11-18',
        'ROOT            SERIAL  ENDS',
        'CN=Weir root 1  4F25    2036-11-18',
        '',
        '',
      ].join('\n'),
    );
  });

  it('reliability/R29: says how far the replacement of its root is, and what it waits for', () => {
    const rotating = { ...authority, rotation: 'adding', nextStep: '2026-11-23T00:00:00.000Z', waitingProxies: 2 };
    expect(textOf({ authority: rotating })).toContain(
      'the root is being replaced: the next one is made known\n' +
        'its next step is taken after 2026-11-23T00:00:00.000Z, and not before 2 proxies have confirmed the bundle\n',
    );
  });
});

describe('proxies', () => {
  it('have a row per type, with what was sent and what was confirmed', () => {
    const text = textOf({
      proxies: [
        aProxy([
          aType({}),
          aType({ type: 'listener', state: 'pending', pendingSince: time(96), acked: { version: 'v1', at: time(50) } }),
        ]),
      ],
    });
    expect(text.slice(text.indexOf('PROXIES'))).toBe(
      [
        'PROXIES',
        'PROXY       ENVOY   TYPE      STATE           RESOURCES  VERSION  SENT    ACKED',
        'shop/web-1  1.40.0  cluster   synced          3          v2       3s ago  2s ago',
        '                    listener  pending for 4s  3          v2       3s ago  v1, 50s ago',
        '',
      ].join('\n'),
    );
  });

  it('that refuse something are shown with its words and the objects behind it', () => {
    const nack = { message: 'no such filter\n', at: time(99), resources: ['0.0.0.0_80'], objects: [object] };
    const text = textOf({ proxies: [aProxy([aType({ type: 'listener', state: 'rejected', nack })])] });
    expect(text).toContain('NACK');
    expect(text.slice(text.indexOf('NACKS'))).toBe(
      [
        'NACKS',
        'shop/web-1 refused listener 1s ago: no such filter',
        '    resources: 0.0.0.0_80',
        '    made by mesh/web.yaml:12: VirtualService shop/web, spec.http[0]',
        '',
      ].join('\n'),
    );
  });

  it('that have asked for nothing yet are there as well', () => {
    expect(textOf({ proxies: [aProxy([])] })).toMatch(/shop\/web-1 +1\.40\.0 +has asked for nothing yet/);
  });
});

it('is coloured only where asked, with the same columns', () => {
  const coloured = statusText(aReport({ proxies: [aProxy([aType({})])] }), { colours: true, now: 100_000 });
  expect(coloured).toContain('\u001B[32msynced\u001B[39m');
  const plain = textOf({ proxies: [aProxy([aType({})])] });
  expect(stripVTControlCharacters(coloured)).toBe(plain);
});

it.each([
  [0, '0s'],
  [-5000, '0s'],
  [119_000, '119s'],
  [120_000, '2m'],
  [119 * 60_000, '119m'],
  [120 * 60_000, '2h'],
  [47 * 3_600_000, '47h'],
  [48 * 3_600_000, '2d'],
])('%i ms are %s', (milliseconds, text) => {
  expect(ageText(milliseconds)).toBe(text);
});
