import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { subscriptionTo } from '../../src/bench/load/sidecars.ts';
import { clusterOfService } from '../../src/bench/world.ts';
import { invariant } from '../../src/incremental/invariant.ts';
import { encode } from '../../src/xds/proto.ts';
import { decodeDeltaRequest } from '../../src/xds/requests.ts';
import { rounded, spreadOf, type Bench } from './report.ts';

/** Requests from bytes (hot-path H1321): an ACK, and a reconnect that names 5,000 resources with their versions. */

const requestName = 'envoy.service.discovery.v3.DeltaDiscoveryRequest';
const type = 'envoy.config.endpoint.v3.ClusterLoadAssignment';
const names = 5_000;
const rounds = 15;

export const decodeBench: Bench = {
  name: 'decode',
  title: 'requests, from bytes: an ACK, and a reconnect with 5,000 versions',
  run: (report) => {
    const ack = encode(requestName, { typeUrl: `type.googleapis.com/${type}`, responseNonce: '1a2b' });
    report.row('an ACK', compareDecoders(ack, 5_000));
    const reconnect = reconnectRequest();
    report.row(`${names} versions, ${reconnect.length} bytes`, compareDecoders(reconnect, 4));
  },
};

/** Time of Weir's scan of a reconnect request against that of the generated decoder, in one run. */
export function measureScan(): number {
  const { byHandUs, protobufjsUs } = compareDecoders(reconnectRequest(), 4);
  return byHandUs / protobufjsUs;
}

function reconnectRequest(): Uint8Array {
  const services = Array.from({ length: names }, (_, service) => clusterOfService(service));
  const held = Object.fromEntries(services.map((name, index) => [name, index.toString(36).padStart(13, '0')]));
  return subscriptionTo({ type, names: services, held });
}

function compareDecoders(bytes: Uint8Array, repetitions: number) {
  const generated = protobufjsDecoder();
  const expected = generated(bytes);
  const scanned = decodeDeltaRequest(bytes);
  invariant(Object.keys(expected.initialResourceVersions).length === scanned.held.size, 'both read the same');
  const [byHand, byProtobufjs]: readonly [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    byHand.push(time(() => decodeDeltaRequest(bytes), repetitions));
    byProtobufjs.push(time(() => generated(bytes), repetitions));
  }
  const [byHandUs, protobufjsUs] = [byHand, byProtobufjs].map((times) => spreadOf(times.slice(3)).median);
  return {
    byHandUs: rounded(byHandUs ?? 0),
    protobufjsUs: rounded(protobufjsUs ?? 0),
    ratio: rounded((byHandUs ?? 0) / (protobufjsUs ?? 1)),
  };
}

/** Microseconds of one call. */
function time(call: () => unknown, repetitions: number): number {
  globalThis.gc?.();
  const started = performance.now();
  for (let repetition = 0; repetition < repetitions; repetition++) call();
  return ((performance.now() - started) * 1000) / repetitions;
}

interface Decoded {
  readonly initialResourceVersions: Readonly<Record<string, string>>;
}

function protobufjsDecoder(): (bytes: Uint8Array) => Decoded {
  const descriptor = new URL('../../src/xds/generated/envoy-api.json', import.meta.url);
  const message = protobuf.Root.fromJSON(JSON.parse(readFileSync(descriptor, 'utf8'))).lookupType(requestName);
  // Decoding gives an object with these fields: the type says so, protobufjs' own does not.
  return (bytes) => message.decode(bytes) as protobuf.Message & Decoded;
}
