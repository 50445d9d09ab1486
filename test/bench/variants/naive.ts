import { messageOf } from '../../../src/xds/fragment.ts';
import { readFileSync } from 'node:fs';
import { Server, ServerCredentials, type handleBidiStreamingCall, type ServerDuplexStream } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { Delivery } from '../../../src/bench/delivery.ts';
import type { ServerUnderTest } from '../../../src/bench/measurements.ts';
import { answerServerCalls } from '../../../src/bench/server-process.ts';
import { clusterOfService, World, type WorldSize } from '../../../src/bench/world.ts';
import { Engine } from '../../../src/incremental/engine.ts';
import type * as envoy from '../../../src/xds/envoy.ts';
import { decode, typeUrlOf } from '../../../src/xds/proto.ts';

/**
 * The design that suggests itself: every stream its own message objects, which protobufjs encodes as `@grpc/proto-loader` has it
 * (`fromObject`, then `encode`), sent by grpc-js (hot-path H103, variant a). It serves load assignments alone.
 */

const assignmentName = 'envoy.config.endpoint.v3.ClusterLoadAssignment';
const descriptor = new URL('../../../src/xds/generated/envoy-api.json', import.meta.url);
const root = protobuf.Root.fromJSON(JSON.parse(readFileSync(descriptor, 'utf8')));
const assignmentType = root.lookupType(assignmentName);
const requestType = root.lookupType('envoy.service.discovery.v3.DeltaDiscoveryRequest');
const responseType = root.lookupType('envoy.service.discovery.v3.DeltaDiscoveryResponse');

type Stream = ServerDuplexStream<envoy.DeltaDiscoveryRequest, object>;

async function startNaive(size: WorldSize): Promise<ServerUnderTest> {
  const world = new World(new Engine(), size);
  const delivery = new Delivery();
  const streams = new Set<Stream>();
  let nonces = 0;
  const send = (stream: Stream, service: number, endpoints: readonly envoy.LocalityLbEndpoints[]): void => {
    const name = clusterOfService(service);
    const assignment = { clusterName: name, endpoints: structuredClone(endpoints) };
    const value = assignmentType.encode(assignmentType.fromObject(assignment)).finish();
    const resource = { name, version: String(nonces), resource: { typeUrl: typeUrlOf(assignmentName), value } };
    const nonce = String(++nonces);
    stream.write({ typeUrl: typeUrlOf(assignmentName), nonce, resources: [resource] });
    delivery.countSent(value.length, 1);
  };
  const endpointsOf = (service: number): readonly envoy.LocalityLbEndpoints[] =>
    decode(assignmentName, messageOf(world.assignment(service))).endpoints ?? [];

  const accept: handleBidiStreamingCall<envoy.DeltaDiscoveryRequest, object> = (stream) => {
    streams.add(stream);
    stream.on('cancelled', () => streams.delete(stream));
    stream.on('error', () => streams.delete(stream));
    stream.on('data', (request: envoy.DeltaDiscoveryRequest) => {
      if ((request.responseNonce ?? '') !== '') delivery.countAcked();
      else send(stream, 0, endpointsOf(0));
    });
  };
  const server = new Server({ 'grpc.max_send_message_length': -1, 'grpc.enable_channelz': 0 });
  server.addService({ deltaAggregatedResources: method }, { deltaAggregatedResources: accept });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    delivery,
    change: (_, service) => {
      const name = world.moveEndpoint(service);
      const endpoints = endpointsOf(service);
      for (const stream of streams) send(stream, service, endpoints);
      return name;
    },
  };
}

const conversion: protobuf.IConversionOptions = { enums: String, longs: String, defaults: true, oneofs: true };
const method = {
  path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
  requestStream: true,
  responseStream: true,
  requestSerialize: () => Buffer.alloc(0),
  requestDeserialize: (bytes: Buffer) => requestType.toObject(requestType.decode(bytes), conversion),
  responseSerialize: (response: object) => responseType.encode(responseType.fromObject(response)).finish() as Buffer,
  responseDeserialize: (bytes: Buffer) => bytes,
} as const;

answerServerCalls(startNaive);
