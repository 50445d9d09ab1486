import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { versionOf } from './content-version.ts';
import { frameAbsence, frameContent, frameParts, messageOf, sotwEntry } from './fragment.ts';
import { decode } from './proto.ts';

const type = 'envoy.config.cluster.v3.Cluster';

describe('frameContent', () => {
  it('hot-path/H209 is a whole resources entry of a delta response', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.uint8Array({ maxLength: 20_000 }),
        (name, value) => {
          const { fragment, version } = frameContent(type, name, value);
          const response = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', Buffer.concat(fragment));
          expect(response.resources).toHaveLength(1);
          const [resource] = response.resources ?? [];
          expect(resource?.version).toBe(version);
          expect(resource?.name ?? '').toBe(name);
          expect(resource?.resource?.typeUrl).toBe(`type.googleapis.com/${type}`);
          expect(Buffer.from(resource?.resource?.value ?? [])).toEqual(Buffer.from(value));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes a message in pieces for the same as the message in one', () => {
    const pieces = ['a', '', 'bc'].map((text) => Buffer.from(text));
    expect(frameParts(type, 'name', pieces)).toEqual(frameContent(type, 'name', Buffer.from('abc')));
  });

  it('holds the message once, in memory of its own', () => {
    const framed = frameContent(type, 'a', Buffer.from('content'));
    expect(Buffer.from(messageOf(framed)).toString()).toBe('content');
    expect(framed.fragment).toHaveLength(1);
    expect(framed.fragment[0]?.buffer.byteLength).toBe(framed.bytes);
  });

  it('copies small parts of a message and lets large ones stand as they are, with the same bytes and version', () => {
    const parts = [10, 5_000, 20, 30, 4_096, 4_095].map((length, index) => new Uint8Array(length).fill(index));
    const framed = frameParts(type, 'name', parts);
    expect(framed.fragment).toHaveLength(5);
    expect([framed.fragment[1], framed.fragment[3]]).toEqual([parts[1], parts[4]]);
    expect(framed.fragment[1]).toBe(parts[1]);
    const whole = frameContent(type, 'name', Buffer.concat(parts));
    expect(whole.fragment).toHaveLength(1);
    expect({ ...framed, fragment: Buffer.concat(framed.fragment) }).toEqual({
      ...whole,
      fragment: Buffer.concat(whole.fragment),
    });
    expect(Buffer.concat(sotwEntry(framed.fragment))).toEqual(Buffer.concat(sotwEntry(whole.fragment)));
    expect(Buffer.from(messageOf(framed))).toEqual(Buffer.concat(parts));
  });
});

describe('versionOf', () => {
  it('hot-path/H401 hot-path/H402 hot-path/H409 is the xxHash64 of the content in 13 base-36 characters', () => {
    // Reference values of xxHash64 with seed 0: ef46db3751d8e999 and 44bc2cf5ad770999.
    expect(versionOf(Buffer.from(''))).toBe(0xef46db3751d8e999n.toString(36).padStart(13, '0'));
    expect(versionOf(Buffer.from('abc'))).toBe(0x44bc2cf5ad770999n.toString(36).padStart(13, '0'));
    expect(versionOf(Buffer.from('abd'))).not.toBe(versionOf(Buffer.from('abc')));
    expect(versionOf(Buffer.from('abc'))).toHaveLength(13);
  });
});

it('says that a name does not exist by a resource of that name and alias without a body (xds-protocol/X312)', () => {
  const name = '80/host.example:8080';
  const { fragment, version } = frameAbsence(name);
  const { resources } = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', Buffer.concat(fragment));
  expect(resources).toEqual([{ version, name, aliases: [name] }]);
});
