import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, it } from 'vitest';
import { decodePayload, encodePayload, requestPath, streamPath } from './payload.ts';

const definition = fileURLToPath(new URL('../../../../proto/nacos/payload.proto', import.meta.url));
const root = new protobuf.Root().loadSync(definition, { keepCase: true });
const type = root.lookupType('Payload');

const payloads = fc.record({
  type: fc.string(),
  headers: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
  json: fc.uint8Array(),
});

it('paths have no package before them (registries/N14)', () => {
  const services = root.nestedArray.filter((each) => each instanceof protobuf.Service);
  const paths = services.flatMap(({ name, methodsArray }) => methodsArray.map((method) => `/${name}/${method.name}`));
  expect(paths.toSorted()).toEqual([requestPath, streamPath].toSorted());
});

it('what is written is what the definition says (registries/N15)', () => {
  fc.assert(
    fc.property(payloads, ({ type: name, headers, json }) => {
      const message = type.toObject(type.decode(encodePayload({ type: name, headers, json })), { defaults: true });
      expect(message['metadata']).toMatchObject({ type: name, headers });
      expect(new Uint8Array(message['body'].value)).toEqual(json);
    }),
    { seed: 7 },
  );
});

it('what is read is what the definition says, and fields that nobody knows are passed over (registries/N15)', () => {
  fc.assert(
    fc.property(payloads, ({ type: name, headers, json }) => {
      const bytes = type
        .encode({ metadata: { type: name, headers, clientIp: '10.0.0.1' }, body: { type_url: 'x', value: json } })
        .finish();
      const read = decodePayload(Buffer.concat([bytes, Buffer.from([0x20, 0x96, 0x01])]));
      expect({ ...read, json: new Uint8Array(read.json) }).toEqual({ type: name, headers, json });
    }),
    { seed: 7 },
  );
});

it('bytes that are no payload are refused, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        decodePayload(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { seed: 7, numRuns: 2000 },
  );
});
