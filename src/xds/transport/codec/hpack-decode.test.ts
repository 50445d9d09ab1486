import fc from 'fast-check';
import { once } from 'node:events';
import { connect as connectHttp2, sensitiveHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConnectionError } from './errors.ts';
import { FrameReader, frameTypes } from './frames.ts';
import { HeaderBlockReader } from './header-block.ts';
import { HpackDecoder } from './hpack-decode.ts';
import { decodeHuffman } from './huffman.ts';
import type { HeaderField } from './static-table.ts';

function decode(decoder: HpackDecoder, hex: string): readonly string[] | 'too-large' {
  const list = decoder.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  return list.kind === 'too-large' ? 'too-large' : list.fields.map(([name, value]) => `${name}: ${value}`);
}

const requests = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
];
const [date, later] = ['Mon, 21 Oct 2013 20:13:21 GMT', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const cookie = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const location = 'location: https://www.example.com';
const responses = [
  [':status: 302', 'cache-control: private', `date: ${date}`, location],
  [':status: 307', 'cache-control: private', `date: ${date}`, location],
  [
    ':status: 200',
    'cache-control: private',
    `date: ${later}`,
    location,
    'content-encoding: gzip',
    `set-cookie: ${cookie}`,
  ],
];

describe('headers', () => {
  it.each([
    [
      'C.3: requests as they are',
      4_096,
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
      requests,
    ],
    [
      'C.4: requests with Huffman codes',
      4_096,
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
      requests,
    ],
    [
      'C.5: responses that drive others out of the table',
      256,
      [
        `4803 3330 3258 0770 7269 7661 7465 611d ${Buffer.from(date).toString('hex')} 6e17 ${Buffer.from('https://www.example.com').toString('hex')}`,
        '4803 3330 37c1 c0bf',
        `88c1 611d ${Buffer.from(later).toString('hex')} c05a 0467 7a69 7077 38${Buffer.from(cookie).toString('hex')}`,
      ],
      responses,
    ],
    [
      'C.6: the same with Huffman codes',
      256,
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
      responses,
    ],
  ])('are those of the example %s in RFC 7541 (hot-path/H708)', (_, tableSize, blocks, expected) => {
    const decoder = new HpackDecoder(65_536, tableSize);
    expect(blocks.map((block) => decode(decoder, block))).toEqual(expected);
  });

  it('are what was encoded, whatever form and table the encoder chooses (hot-path/H708)', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'e', 'o', 't', 'x', '-'), minLength: 1, maxLength: 150 });
    const field = fc.record({ name: text, value: text, form: fc.nat(2), again: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.array(field, { maxLength: 12 }), { maxLength: 12 }), fc.nat(500), (lists, tableSize) => {
        const decoder = new HpackDecoder(1_000_000, 4_096);
        const encoder = new PlainEncoder(tableSize);
        for (const [index, list] of lists.entries()) {
          const block = Buffer.concat([
            ...(index === 0 ? [integer(tableSize, 5, 0x20)] : []),
            ...list.map(({ name, value, form, again }) => encoder.encode([name, value], form, again)),
          ]);
          expect(decoder.decode(block)).toEqual({
            kind: 'fields',
            fields: list.map(({ name, value }) => [name, value]),
          });
        }
      }),
      { seed: 7541, numRuns: 300 },
    );
  });

  it('are what nghttp2 says, Huffman codes of all letters included (hot-path/H708)', async () => {
    const values = fc.sample(
      fc.string({
        unit: fc
          .integer({ min: 0x21, max: 0xff })
          .map((code) => String.fromCharCode(code))
          .filter((letter) => letter !== '\x7f'),
        minLength: 1,
        maxLength: 60,
      }),
      { seed: 9113, numRuns: 200 },
    );
    const wanted: HeaderField[][] = [];
    for (let at = 0; at < values.length; at += 5) {
      wanted.push(values.slice(at, at + 5).map((value, index) => [`x-${(at + index) % 7}`, value]));
    }
    const said = await headersOfNode(wanted);
    expect(said).toEqual(wanted);
  });

  it('longer than the limit are told of, and the table is kept up (reliability/SC25)', () => {
    const decoder = new HpackDecoder(200, 4_096);
    // One entry of 60 bytes, then eight references to it: a bomb in small.
    const add = `40 01 61 1b ${'62'.repeat(27)}`;
    expect(decode(decoder, `${add} ${'be'.repeat(8)}`)).toBe('too-large');
    expect(decode(decoder, 'be')).toEqual([`a: ${'b'.repeat(27)}`]);
  });

  it.each([
    ['a number of no header', '80'],
    ['a number beyond the table', 'be'],
    ['a string that is cut short', '40 05 6161'],
    ['nothing after its form', '40'],
    ['a number without end', 'ff ffff ffff ffff'],
    ['a Huffman code of the end', '00 84 ffff ffff 00'],
    ['a Huffman code padded by zeros', '00 81 18 00'],
    ['eight bits of padding', '00 82 1fff 00'],
    ['a table above what was allowed', '3f e2 3f'],
    ['a new size of the table between headers', '82 20'],
  ])('with %s end the connection (hot-path/H708, reliability/S40)', (_, hex) => {
    expect(() => decode(new HpackDecoder(65_536, 4_096), hex)).toThrow(ConnectionError);
  });
});

it('an empty Huffman string is empty', () => {
  expect(decodeHuffman(Buffer.of())).toBe('');
});

/** Says every header in full or by number, with its own copy of the table. */
class PlainEncoder {
  readonly #entries: HeaderField[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @param form 0: to be remembered, 1: not, 2: never @param again by number, if it is known */
  encode(field: HeaderField, form: number, again: boolean): Buffer {
    const [name, value] = field;
    const known = this.#entries.findIndex(([oldName, oldValue]) => oldName === name && oldValue === value);
    if (again && known >= 0) return integer(62 + known, 7, 0x80);
    const named = this.#entries.findIndex(([old]) => old === name);
    const index = named < 0 ? 0 : 62 + named;
    if (form === 0) this.#add(field);
    const start = form === 0 ? integer(index, 6, 0x40) : integer(index, 4, form === 1 ? 0 : 0x10);
    return Buffer.concat([start, ...(index === 0 ? [text(name)] : []), text(value)]);
  }

  #add(field: HeaderField): void {
    this.#entries.unshift(field);
    const size = (): number => this.#entries.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.#capacity) this.#entries.pop();
  }
}

function text(value: string): Buffer {
  return Buffer.concat([integer(value.length, 7, 0), Buffer.from(value)]);
}

function integer(value: number, bits: number, form: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.of(form | value);
  const bytes = [form | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.of(...bytes, rest);
}

/** What a decoder reads from the bytes by which node:http2 says these headers, one request after the other on one connection. */
async function headersOfNode(lists: readonly (readonly HeaderField[])[]): Promise<HeaderField[][]> {
  const decoder = new HpackDecoder(65_536, 4_096);
  const blocks = new HeaderBlockReader();
  const read: HeaderField[][] = [];
  const done = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    const reader = new FrameReader({
      dataBegun: () => undefined,
      dataRead: () => undefined,
      frameRead: (header, payload) => {
        if (header.type !== frameTypes.headers) return;
        const block = blocks.begin(header, payload);
        const list = decoder.decode(block?.bytes ?? Buffer.of());
        if (list.kind === 'fields') read.push(list.fields.filter(([name]) => name.startsWith('x-')));
        if (read.length === lists.length) done.resolve();
      },
    });
    socket.write(Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0));
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('error', () => undefined);
  for (const list of lists) {
    const headers: OutgoingHttpHeaders = { ':method': 'POST', ...Object.fromEntries(list) };
    const secret = list[0]?.[0];
    client
      .request({ ...headers, ...(secret === undefined ? {} : { [sensitiveHeaders]: [secret] }) })
      .on('error', () => undefined);
  }
  await done.promise;
  client.destroy();
  server.close();
  return read;
}
