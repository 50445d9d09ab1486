import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aResource } from '../../test/support/tiny-mesh.ts';
import { encodeHead, responseConstants } from './envelope.ts';
import { sotwEntry } from './fragment.ts';
import { decode } from './proto.ts';
import { spareBytes } from './transport/transport.ts';

const text = fc.string({ unit: 'binary', maxLength: 300 });
const name = text.filter((value) => value !== '');
const resources = fc.array(fc.record({ name, content: text }), { maxLength: 5 });
const head = fc.record({ typeUrl: name, identifier: name, version: name, nonce: name, removed: fc.array(text) });

describe('a response put together by hand reads as one (hot-path/H301, hot-path/H303, hot-path/H311)', () => {
  it('delta', () => {
    fc.assert(
      fc.property(head, resources, ({ typeUrl, identifier, ...fields }, contents) => {
        const made = contents.map((each) => aResource('cluster', each.name, each.content));
        const start = encodeHead(responseConstants('delta', typeUrl, identifier), fields).subarray(spareBytes);
        const bytes = Buffer.concat([start, ...made.flatMap(({ fragment }) => fragment)]);
        const response = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', bytes);
        expect(response).toMatchObject({ typeUrl, nonce: fields.nonce, systemVersionInfo: fields.version });
        expect(response.controlPlane).toEqual({ identifier });
        expect(response.removedResources ?? []).toEqual(fields.removed);
        expect((response.resources ?? []).map((each) => [each.name, each.version])).toEqual(
          made.map((each) => [each.name, each.version]),
        );
      }),
    );
  });

  it('state of the world, of the same bytes (hot-path/H209)', () => {
    fc.assert(
      fc.property(head, resources, ({ typeUrl, identifier, ...fields }, contents) => {
        const made = contents.map((each) => aResource('listener', each.name, each.content));
        const start = encodeHead(responseConstants('sotw', typeUrl, identifier), fields).subarray(spareBytes);
        const entries = made.flatMap(({ fragment }) => sotwEntry(fragment));
        const response = decode('envoy.service.discovery.v3.DiscoveryResponse', Buffer.concat([start, ...entries]));
        expect(response).toMatchObject({ typeUrl, nonce: fields.nonce, versionInfo: fields.version });
        expect((response.resources ?? []).map((any) => Buffer.from(any.value ?? []).toString())).toEqual(
          contents.map(({ content }) => Buffer.from(content).toString()),
        );
        expect(entries.every((entry, index) => entry.buffer === made[index]?.fragment[0]?.buffer)).toBe(true);
      }),
    );
  });
});
