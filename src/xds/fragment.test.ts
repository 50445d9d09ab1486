import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { versionOf } from './content-version.ts';
import { frameAbsence, frameContent, frameParts } from './fragment.ts';
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
          const response = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', fragment);
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

  it('holds the message once: the value is a view of the fragment, which owns its memory', () => {
    const { fragment, value } = frameContent(type, 'a', Buffer.from('content'));
    expect(Buffer.from(value).toString()).toBe('content');
    expect(value.buffer).toBe(fragment.buffer);
    expect(fragment.buffer.byteLength).toBe(fragment.length);
  });
});

describe('versionOf', () => {
  it('hot-path/H401 is the xxHash64 of the content in 13 base-36 characters', () => {
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
  const { resources } = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', fragment);
  expect(resources).toEqual([{ version, name, aliases: [name] }]);
});
