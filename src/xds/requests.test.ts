import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as envoy from './envoy.ts';
import { encode } from './proto.ts';
import { decodeDeltaRequest, decodeSotwRequest, MalformedMessage } from './requests.ts';

/** No name has more than 512 bytes. */
const text = fc.string({ unit: 'binary', maxLength: 120 });
const error = fc.option(fc.record({ code: fc.integer({ min: 0, max: 16 }), message: text }), { nil: undefined });
const node = fc.option(fc.record({ id: text, cluster: text }), { nil: undefined });

const deltaRequest = fc.record({
  node,
  typeUrl: text,
  resourceNamesSubscribe: fc.array(text),
  resourceNamesUnsubscribe: fc.array(text),
  initialResourceVersions: fc.dictionary(text, text),
  responseNonce: text,
  errorDetail: error,
});

const sotwRequest = fc.record({
  node,
  typeUrl: text,
  versionInfo: text,
  resourceNames: fc.array(text),
  responseNonce: text,
  errorDetail: error,
});

function nodeBytes(node: envoy.Node | undefined): Buffer | undefined {
  return node && Buffer.from(encode('envoy.config.core.v3.Node', node));
}

describe('a request read by hand is the one read from its descriptor (hot-path/H301, hot-path/H303)', () => {
  it('delta', () => {
    fc.assert(
      fc.property(deltaRequest, (request) => {
        const read = decodeDeltaRequest(encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', request));
        expect({ ...read, held: [...read.held].toSorted() }).toEqual({
          kind: 'delta',
          node: nodeBytes(request.node),
          typeUrl: request.typeUrl,
          nonce: request.responseNonce,
          error: request.errorDetail,
          subscribe: request.resourceNamesSubscribe,
          unsubscribe: request.resourceNamesUnsubscribe,
          held: Object.entries(request.initialResourceVersions).toSorted(),
        });
      }),
      { numRuns: 300 },
    );
  });

  it('state of the world', () => {
    fc.assert(
      fc.property(sotwRequest, (request) => {
        expect(decodeSotwRequest(encode('envoy.service.discovery.v3.DiscoveryRequest', request))).toEqual({
          kind: 'sotw',
          node: nodeBytes(request.node),
          typeUrl: request.typeUrl,
          nonce: request.responseNonce,
          version: request.versionInfo,
          error: request.errorDetail,
          names: request.resourceNames,
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is no request', () => {
  it('is refused wherever it is cut short (hot-path/H314)', () => {
    const whole = encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', {
      typeUrl: 'type',
      initialResourceVersions: { name: 'version' },
    });
    const cuts = Array.from({ length: whole.length - 1 }, (_, index) => whole.subarray(0, index + 1));
    const readable = cuts.filter((cut) => {
      try {
        decodeDeltaRequest(cut);
        return true;
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(MalformedMessage);
        return false;
      }
    });
    // Only the end of a field is an end.
    expect(readable.map(({ length }) => length)).toEqual([6]);
  });

  it('is refused or read, but breaks nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const decode of [decodeDeltaRequest, decodeSotwRequest]) {
          try {
            decode(bytes);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(MalformedMessage);
          }
        }
      }),
    );
  });

  it('may have fields of the future, which are skipped (hot-path/H314)', () => {
    const unknown = Buffer.from([0xf8, 0x07, 0x96, 0x01, 0xfd, 0x07, 1, 2, 3, 4, 0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8]);
    const known = encode('envoy.service.discovery.v3.DiscoveryRequest', { typeUrl: 'type' });
    expect(decodeSotwRequest(Buffer.concat([unknown, known, unknown]))).toMatchObject({ typeUrl: 'type' });
  });
});
