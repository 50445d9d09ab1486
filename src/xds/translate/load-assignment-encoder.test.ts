import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../proto.ts';
import { loadAssignment, type AssignedGroup } from './load-assignment.ts';
import { encodeLoadAssignment as encodeGroups } from './load-assignment-encoder.ts';
import { packed, type Member } from './packed-endpoints.ts';

const assignmentType = 'envoy.config.endpoint.v3.ClusterLoadAssignment';

function aMember(member: Partial<Member>): Member {
  return { address: '10.0.0.1', port: 8080, health: 'healthy', weight: 1, mutualTls: false, ...member };
}

function aGroup(...members: readonly Partial<Member>[]): AssignedGroup {
  return {
    locality: { region: '', zone: '', subZone: '' },
    priority: 0,
    weight: undefined,
    members: members.map(aMember),
  };
}

/** From members to bytes, each group packed by itself. */
function encodeLoadAssignment(clusterName: string, groups: readonly AssignedGroup[]): Buffer {
  const packedGroups = groups.map(({ members, ...group }) => {
    const pieces = packed([{ locality: group.locality, labels: {}, members }]).groups;
    return { ...group, endpointWeight: 0, pieces };
  });
  return Buffer.from(encodeGroups(clusterName, packedGroups));
}

const text = fc.string({ unit: 'grapheme', maxLength: 50 });
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.domain(),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }),
  fc.string({ minLength: 90, maxLength: 140 }),
  fc.webPath().map((path) => `unix://${path}`),
);
const member: fc.Arbitrary<Member> = fc.record({
  address,
  port: fc.nat(65_535),
  health: fc.constantFrom('healthy', 'degraded', 'unhealthy', 'draining'),
  weight: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4_294_967_295 })),
  mutualTls: fc.boolean(),
});
const group: fc.Arbitrary<AssignedGroup> = fc.record({
  locality: fc.record({ region: text, zone: text, subZone: text }),
  priority: fc.nat(128),
  weight: fc.option(fc.integer({ min: 1, max: 4_294_967_295 }), { nil: undefined }),
  members: fc.array(member, { maxLength: 12 }),
});

describe('a load assignment put together by hand', () => {
  it('hot-path/H302 hot-path/H303 gives what generated code gives, whatever the endpoints', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(group, { maxLength: 4 }), (name, groups) => {
        const message = loadAssignment(name, groups);
        const bytes = encodeLoadAssignment(name, groups);
        expect(decode(assignmentType, bytes)).toEqual(decode(assignmentType, encode(assignmentType, message)));
        expect(bytes).toEqual(Buffer.from(encode(assignmentType, message)));
      }),
      { numRuns: 300 },
    );
  });

  it('hot-path/H307 writes lengths beyond one byte: a locality of ten thousand, long names', () => {
    const members = Array.from({ length: 10_000 }, (_, index) => ({ address: `10.1.${index >> 8}.${index & 255}` }));
    const groups = [aGroup(...members, { address: `${'long.'.repeat(40)}example` })];
    const decoded = decode(assignmentType, encodeLoadAssignment('c'.repeat(200), groups));
    expect(decoded).toEqual(decode(assignmentType, encode(assignmentType, loadAssignment('c'.repeat(200), groups))));
    expect(decoded.endpoints?.[0]?.lbEndpoints).toHaveLength(10_001);
  });

  it('xds-protocol/X63 is the name alone when there is no endpoint', () => {
    expect(decode(assignmentType, encodeLoadAssignment('outbound|80||a', []))).toEqual({
      clusterName: 'outbound|80||a',
    });
  });

  it('policy/E7 writes a unix:// address as a pipe', () => {
    const [endpoints] =
      decode(assignmentType, encodeLoadAssignment('a', [aGroup({ address: 'unix:///run/a.sock' })])).endpoints ?? [];
    expect(endpoints?.lbEndpoints?.[0]?.endpoint?.address).toEqual({ pipe: { path: '/run/a.sock' } });
  });

  it('hot-path/H306 writes names that are not ASCII as UTF-8', () => {
    const [endpoints] =
      decode(assignmentType, encodeLoadAssignment('a', [aGroup({ address: 'bücher.example' })])).endpoints ?? [];
    expect(endpoints?.lbEndpoints?.[0]?.endpoint?.address?.socketAddress?.address).toBe('bücher.example');
  });

  it('hot-path/H504 hot-path/H308 keeps packed endpoints in memory of their own, which the next packing does not touch', () => {
    const group = { locality: aGroup().locality, labels: {} };
    const { memory } = packed([{ ...group, members: [aMember({})] }]);
    const copy = Buffer.from(memory);
    packed([{ ...group, members: [aMember({ address: '10.9.9.9' }), aMember({ address: '10.9.9.8' })] }]);
    expect(memory).toEqual(copy);
    expect(memory.buffer.byteLength).toBe(memory.length);
  });
});
