import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { anIstioObject, problemsOf, violationsIn, type IstioKind } from '../../../../test/support/istio-objects.ts';
import { violationCodes } from '../../../model/violation-codes.ts';
import { decodeConfig, decodeVirtualService } from './decode.ts';
import { destinationRuleSchema } from './schemas/destination-rule.ts';
import { meshConfigSchema } from './schemas/mesh-config.ts';
import { authorizationPolicySchema } from './schemas/authorization-policy.ts';
import { peerAuthenticationSchema } from './schemas/peer-authentication.ts';
import { requestAuthenticationSchema } from './schemas/request-authentication.ts';
import { serviceEntrySchema } from './schemas/service-entry.ts';
import { virtualServiceSchema } from './schemas/virtual-service.ts';
import { workloadEntrySchema } from './schemas/workload-entry.ts';

const schemas: Readonly<Record<IstioKind, z.ZodType>> = {
  VirtualService: virtualServiceSchema,
  DestinationRule: destinationRuleSchema,
  ServiceEntry: serviceEntrySchema,
  WorkloadEntry: workloadEntrySchema,
  AuthorizationPolicy: authorizationPolicySchema,
  PeerAuthentication: peerAuthenticationSchema,
  RequestAuthentication: requestAuthenticationSchema,
  MeshConfig: meshConfigSchema,
};
const kinds = Object.keys(schemas) as readonly IstioKind[];

/** One object of each kind that uses much of its API. */
/** The example of RFC 7517. */
const publicKey =
  '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}';

const samples: Readonly<Record<IstioKind, unknown>> = {
  VirtualService: {
    hosts: ['a', '*.b.com'],
    gateways: ['mesh', 'g'],
    http: [
      {
        name: 'n',
        match: [{ uri: { prefix: '/a' }, headers: { x: { regex: 'a+' } }, port: 80 }, { sourceLabels: { a: 'b' } }],
        route: [{ destination: { host: 'a', subset: 'v1' }, weight: 10, headers: { request: { set: { a: 'b' } } } }],
        rewrite: { uri: '/' },
        retries: { attempts: 2, perTryTimeout: '1s', retryOn: '5xx,503' },
        fault: { delay: { fixedDelay: '1s', percentage: { value: 1 } } },
        mirrors: [{ destination: { host: 'm' }, percentage: { value: 5 } }],
        corsPolicy: { allowOrigins: [{ exact: 'x' }], maxAge: '1s' },
        timeout: '5s',
      },
      { match: [{ uri: { exact: '/r' } }], redirect: { uri: '/s', redirectCode: 302 } },
      { directResponse: { status: 200, body: { string: 'hi' } } },
    ],
    tls: [{ match: [{ sniHosts: ['a.b.com'] }], route: [{ destination: { host: 'a' } }] }],
    tcp: [{ match: [{ destinationSubnets: ['10.0.0.0/8'] }], route: [{ destination: { host: 'a' } }] }],
    exportTo: ['.'],
  },
  DestinationRule: {
    host: 'a',
    trafficPolicy: {
      loadBalancer: {
        consistentHash: { httpCookie: { name: 'c', ttl: '1s' }, maglev: { tableSize: 101 } },
        localityLbSetting: { distribute: [{ from: 'a', to: { b: 100 } }] },
      },
      connectionPool: { tcp: { maxConnections: 5, tcpKeepalive: { time: '10s' } }, http: { maxRetries: 1 } },
      outlierDetection: { consecutive5xxErrors: 3 },
      tls: { mode: 'SIMPLE', caCertificates: '/a' },
      portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: 'RANDOM' } }],
    },
    subsets: [{ name: 'v1', labels: { version: 'v1' } }],
    workloadSelector: { matchLabels: { a: 'b' } },
  },
  ServiceEntry: {
    hosts: ['a.com'],
    addresses: ['10.0.0.0/8'],
    ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 8080 }],
    resolution: 'STATIC',
    endpoints: [{ address: '10.0.0.1', ports: { http: 81 }, locality: 'a/b', weight: 2 }],
    subjectAltNames: ['a'],
  },
  WorkloadEntry: { address: '10.0.0.1', ports: { http: 81 }, labels: { a: 'b' } },
  AuthorizationPolicy: {
    selector: { matchLabels: { app: 'a' } },
    action: 'DENY',
    rules: [
      {
        from: [{ source: { principals: ['a/ns/b/sa/c'], notNamespaces: ['b*'], ipBlocks: ['10.0.0.0/8'] } }],
        to: [{ operation: { paths: ['/a/{*}', '*.html'], ports: ['80'], hosts: ['a.example'] } }],
        when: [{ key: 'request.headers[x]', values: ['1'] }],
      },
    ],
  },
  RequestAuthentication: {
    selector: { matchLabels: { app: 'a' } },
    jwtRules: [{ issuer: 'a', jwks: `{"keys":[${publicKey}]}`, fromHeaders: [{ name: 'x', prefix: 'y' }] }],
  },
  PeerAuthentication: {
    selector: { matchLabels: { app: 'a' } },
    mtls: { mode: 'STRICT' },
    portLevelMtls: { 8080: { mode: 'DISABLE' } },
  },
  MeshConfig: {
    accessLogFile: '/dev/stdout',
    outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
    localityLbSetting: { failoverPriority: ['a'] },
    defaultHttpRetryPolicy: { attempts: 1 },
    defaultConfig: { a: [1, { b: null }] },
  },
};

describe('decoding', () => {
  it.each(kinds)('takes a whole %s', (kind) => {
    expect(decodeConfig(anIstioObject(kind, samples[kind]))).toMatchObject({ kind: 'valid' });
  });

  it('decodes an object once, per domain', () => {
    const object = anIstioObject('VirtualService', samples.VirtualService);
    expect(decodeConfig(object)).toBe(decodeConfig(object));
    expect(decodeConfig(object)).toBe(decodeVirtualService(object));
    expect(decodeConfig({ ...object, domain: 'other.local' })).not.toEqual(decodeConfig(object));
  });

  it('takes null for absent, as emptied YAML fields are', () => {
    const spec = {
      hosts: ['a'],
      gateways: null,
      http: [{ match: null, timeout: null, route: [{ destination: { host: 'a', port: null } }] }],
    };
    expect(problemsOf('VirtualService', spec)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['null in a list', { hosts: ['a', null] }, 'error WEIR1007 spec.hosts[1]'],
    ['a list for the spec', [1], 'error WEIR1002 spec'],
    ['text for the spec', 'hosts', 'error WEIR1002 spec'],
    ['a list for a mapping', { hosts: ['a'], http: [{ retries: [1] }] }, 'error WEIR1002 spec.http[0].retries'],
    ['a mapping for a list', { hosts: { a: 1 } }, 'error WEIR1002 spec.hosts'],
    ['a reserved key', JSON.parse('{"hosts":["a"],"__proto__":{"x":1}}'), 'error WEIR1007 spec.__proto__'],
    [
      'a reserved key of a map',
      JSON.parse('{"hosts":["a"],"http":[{"match":[{"headers":{"__proto__":{}}}]}]}'),
      'error WEIR1007 spec.http[0].match[0].headers.__proto__',
    ],
    ['a function', { hosts: [() => 1] }, 'error WEIR1007 spec.hosts[0]'],
    ['a date', { hosts: [new Date(0)] }, 'error WEIR1007 spec.hosts[0]'],
    ['a megabyte of host', { hosts: ['x'.repeat(1_000_000)] }, 'error WEIR1010 spec.hosts[0]'],
    ['two megabytes', { hosts: ['x'.repeat(2_000_000)] }, 'error WEIR1008 spec'],
    ['a hundred thousand hosts', { hosts: Array.from({ length: 100_000 }, () => 'a') }, 'error WEIR1008 spec'],
  ])('names %s', (_, spec, problem) => {
    expect(problemsOf('VirtualService', spec)).toContain(problem);
  });

  it('names nesting without end', () => {
    let spec: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) spec = { defaultConfig: spec };
    const [problem] = violationsIn(decodeConfig(anIstioObject('MeshConfig', spec)));
    expect(problem).toMatchObject({ code: 'WEIR1007', message: 'the spec is nested too deeply' });
  });

  it('keeps messages short, whatever the input', () => {
    const spec = { ['k'.repeat(100_000)]: 1, hosts: ['h'.repeat(100_000)], exportTo: ['e\n'.repeat(50_000)] };
    const violations = violationsIn(decodeConfig(anIstioObject('VirtualService', spec)));
    expect(violations).toHaveLength(3);
    for (const { path, message, advice } of violations) {
      for (const text of [path, message, advice]) expect(text.length).toBeLessThan(400);
    }
  });

  it('says which field was meant, or where it belongs', () => {
    const route = [{ destination: { host: 'a' }, timeout: '1s' }];
    const spec = { hosts: ['a'], http: [{ route, retry_on: '5xx', Timeout: '1s' }] };
    const advices = violationsIn(decodeConfig(anIstioObject('VirtualService', spec))).map(({ path, advice }) => [
      path,
      advice,
    ]);
    expect(advices).toEqual([
      ['spec.http[0].route[0].timeout', 'it belongs to spec.http[0]: check the indentation'],
      ['spec.http[0].retry_on', expect.stringContaining('the fields here are')],
      ['spec.http[0].Timeout', 'did you mean "timeout"?'],
    ]);
  });

  it('gives violations a code of the catalogue, a path and sentences without a full stop', () => {
    const everywhere = kinds.flatMap((kind) =>
      kinds.flatMap((other) => violationsIn(decodeConfig(anIstioObject(kind, samples[other])))),
    );
    expect(everywhere.length).toBeGreaterThan(50);
    for (const { code, path, message, advice } of everywhere) {
      expect(violationCodes).toHaveProperty(code);
      expect(path).toMatch(/^spec/);
      expect(`${message}|${advice}`).not.toMatch(/\.(\||$)/);
    }
  });

  it.each(kinds)('never throws over a %s of any data', (kind) => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }), (spec) => {
        expect(['valid', 'invalid']).toContain(decodeConfig(anIstioObject(kind, spec)).kind);
      }),
      { numRuns: 300 },
    );
  });

  it.each(kinds)('never throws over a %s that was tampered with, and says what is wrong with it', (kind) => {
    const places = placesIn(samples[kind]);
    const edit = fc.record({
      place: fc.constantFrom(...places),
      value: fc.oneof(fc.jsonValue(), fc.constantFrom(...oddities)),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const spec: unknown = structuredClone(samples[kind]);
        for (const { place, value } of edits) write(spec, place, value);
        const decoded = decodeConfig(anIstioObject(kind, spec));
        const errors = violationsIn(decoded).filter(({ severity }) => severity === 'error');
        expect(decoded.kind === 'invalid').toBe(errors.length > 0);
      }),
      { numRuns: 500 },
    );
  });
});

/** Values that somebody has got wrong before. */
const oddities: readonly unknown[] = [
  '',
  '*',
  '0s',
  '-1',
  '(',
  'a.b',
  ':path',
  '%X%',
  0,
  -1,
  65_536,
  1e300,
  Number.NaN,
  [],
  {},
  [null],
  null,
  undefined,
  true,
];

type Place = readonly (string | number)[];

function placesIn(value: unknown, place: Place = []): readonly Place[] {
  if (typeof value !== 'object' || value === null) return [place];
  const keys = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  const inner = keys.flatMap((key) =>
    placesIn((value as Readonly<Record<string | number, unknown>>)[key], [...place, key]),
  );
  return place.length === 0 ? inner : [place, ...inner];
}

/** Writes at a place unless an earlier edit took it away. */
function write(spec: unknown, place: Place, value: unknown): void {
  let here = spec;
  for (const key of place.slice(0, -1)) {
    if (typeof here !== 'object' || here === null) return;
    here = (here as Readonly<Record<string | number, unknown>>)[key];
  }
  if (typeof here === 'object' && here !== null) (here as Record<string | number, unknown>)[place.at(-1) ?? ''] = value;
}

describe('schemas', () => {
  it.each(kinds)('of %s become the schema of a CRD', (kind) => {
    const schema = z.toJSONSchema(schemas[kind], { unrepresentable: 'throw' });
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('say what a CRD requires', () => {
    expect(z.toJSONSchema(destinationRuleSchema)).toMatchObject({ required: ['host'] });
    expect(z.toJSONSchema(virtualServiceSchema)).not.toHaveProperty('required');
  });
});
