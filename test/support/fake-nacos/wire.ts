import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import {
  decodePayload,
  encodePayload,
  requestPath,
  streamPath,
  type Payload,
} from '../../../src/discovery/nacos/client/payload.ts';

/** The two calls of Nacos as a server of gRPC sees them. */

export type Message = Readonly<Record<string, unknown>>;

const method = (path: string, isStream: boolean): MethodDefinition<Payload, Payload> => ({
  path,
  requestStream: isStream,
  responseStream: isStream,
  requestSerialize: encodePayload,
  requestDeserialize: decodePayload,
  responseSerialize: encodePayload,
  responseDeserialize: decodePayload,
});

export const nacosService: ServiceDefinition = {
  request: method(requestPath, false),
  requestBiStream: method(streamPath, true),
};

export function payloadOf(type: string, message: Message): Payload {
  return { type, headers: {}, json: Buffer.from(JSON.stringify(message)) };
}

export function messageOf(payload: Payload): Message {
  return JSON.parse(Buffer.from(payload.json).toString()) as Message;
}

export function good(more: Message = {}): Message {
  return { resultCode: 200, errorCode: 0, success: true, ...more };
}

export function bad(errorCode: number, message: string): Message {
  return { resultCode: 500, errorCode, message, success: false };
}
