import { credentials, Client, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

/**
 * Writes objects into the store of an API server, past the server: fifty thousand in seconds, where the server takes a quarter of an hour.
 * Nothing is checked, defaulted or allocated, so whoever writes gives objects as the server itself would have stored them.
 */

export interface StoredObject {
  /** Path under `/registry/`: `pods/shop/web-1`. */
  readonly path: string;
  /** The object in JSON, which the server reads as well as what it writes itself. */
  readonly text: string;
}

const writesAtOnce = 128;

const putRequest = protobuf
  .parse('syntax = "proto3"; message PutRequest { bytes key = 1; bytes value = 2; }')
  .root.lookupType('PutRequest');

/**
 * Each is written by itself: objects of one transaction would have one version, which a server takes for the end of what it has to wait for.
 *
 * @param store address of etcd: `unix:///run/etcd.sock`
 * @returns the bytes that were written
 */
export async function storeObjects(store: string, objects: Iterable<StoredObject>): Promise<number> {
  const client = new Client(store, credentials.createInsecure());
  const left = objects[Symbol.iterator]();
  let bytes = 0;
  const write = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      const value = Buffer.from(next.value.text);
      await put(client, Buffer.from(`/registry/${next.value.path}`), value);
      bytes += value.length;
    }
  };
  try {
    await Promise.all(Array.from({ length: writesAtOnce }, write));
    return bytes;
  } finally {
    client.close();
  }
}

function put(client: Client, key: Buffer, value: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/etcdserverpb.KV/Put',
      (request: Readonly<Record<string, Buffer>>) => Buffer.from(putRequest.encode(request).finish()),
      () => undefined,
      { key, value },
      (error: ServiceError | null) => (error === null ? resolve() : reject(error)),
    );
  });
}
