import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encode } from '../../xds/proto.ts';
import { grpcMessage } from './frames.ts';
import { ResponseScanner } from './response-scanner.ts';

const typeUrl = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';

function aResponse(resources: number, removed: number, nonce: string): Uint8Array {
  return encode('envoy.service.discovery.v3.DeltaDiscoveryResponse', {
    systemVersionInfo: 'v1',
    typeUrl,
    nonce,
    resources: Array.from({ length: resources }, (_, index) => ({
      name: `resource-${index}`,
      resource: { typeUrl, value: Buffer.alloc(index * 50, 0xff) },
    })),
    removedResources: Array.from({ length: removed }, (_, index) => `gone-${index}`),
  });
}

test('hot-path/H1306 responses are counted and named the same however they are cut into pieces', () => {
  const response = fc.record({ resources: fc.nat(8), removed: fc.nat(3), nonce: fc.stringMatching(/^[a-z0-9]{1,8}$/) });
  fc.assert(
    fc.property(fc.array(response, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 40 })), (responses, cuts) => {
      const stream = Buffer.concat(
        responses.map(({ resources, removed, nonce }) => grpcMessage(aResponse(resources, removed, nonce))),
      );
      const seen: unknown[] = [];
      const scanner = new ResponseScanner(() => {
        const nonce = scanner.nonce.bytes.toString('latin1', 0, scanner.nonce.length);
        expect(scanner.typeUrl.bytes.toString('latin1', 0, scanner.typeUrl.length)).toBe(typeUrl);
        seen.push({ resources: scanner.resources, removed: scanner.removed, nonce });
      });
      let at = 0;
      for (const cut of cuts) {
        const end = Math.min(stream.length, at + cut);
        scanner.feed(stream, at, end);
        at = end;
      }
      scanner.feed(stream, at, stream.length);
      expect(seen).toEqual(responses);
    }),
    { seed: 4 },
  );
});

test('a compressed message is an error, and no count', () => {
  const scanner = new ResponseScanner(() => expect.unreachable());
  expect(() => scanner.feed(Buffer.from([1, 0, 0, 0, 1, 0]), 0, 6)).toThrow('compressed');
});
