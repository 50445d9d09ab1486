import { createInterface } from 'node:readline';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';

/**
 * A client without a proxy, as a process: for each line it reads it makes one call and says what came of it, `ok NAME` or
 * `error CODE DETAILS`. Ends, and lets its channel go, with its input. Arguments: target, path of the method.
 */

const [, , target = '', path = ''] = process.argv;
register();
const client = new Client(target, credentials.createInsecure());
const same = (bytes: Buffer): Buffer => bytes;

function say(line: string): void {
  process.stdout.write(`${line.replaceAll('\n', ' ')}\n`);
}

for await (const _ of createInterface({ input: process.stdin })) {
  await new Promise<void>((resolve) => {
    const deadline = Date.now() + 10_000;
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), { deadline }, (error: ServiceError | null, answer) => {
      say(error === null ? `ok ${answer?.toString() ?? ''}` : `error ${error.code} ${error.details}`);
      resolve();
    });
  });
}
client.close();
