import { get, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from './faults.ts';
import type { FakeApiServer } from './server.ts';
import { startFakeApiServer } from './start.ts';

/** That what is scripted happens, seen from the bytes: a fault that does not happen proves nothing about who survives it. */

describe('a fault of the fake API server', () => {
  let server: FakeApiServer;

  beforeEach(async () => {
    ({ server } = await startFakeApiServer());
    for (const name of ['a', 'b']) server.objects.put('configmaps', { metadata: { namespace: 'default', name } });
  });
  afterEach(() => server.stop());

  /** Head of the answer to a watch. */
  function open(query = 'watch=1'): Promise<IncomingMessage> {
    const headers = { authorization: `Bearer ${server.token}` };
    return new Promise((resolve, reject) => {
      const url = `http://127.0.0.1:${server.port}/api/v1/configmaps?${query}`;
      get(url, { headers, agent: false }, resolve).on('error', reject);
    });
  }

  /** The pieces of the answer as they came, and how it ended. */
  async function read(
    fault: Fault,
    query?: string,
  ): Promise<{ readonly pieces: readonly string[]; readonly end: string }> {
    server.faults.once({ resource: 'configmaps' }, fault);
    const pieces: string[] = [];
    try {
      for await (const piece of await open(query)) pieces.push((piece as Buffer).toString('latin1'));
      return { pieces, end: 'complete' };
    } catch (error) {
      return { pieces, end: (error as NodeJS.ErrnoException).code ?? 'unknown' };
    }
  }

  const linesOf = (
    pieces: readonly string[],
  ): readonly { readonly type: string; readonly object: { readonly code?: number } }[] =>
    pieces
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReturnType<typeof linesOf>[number]);

  it('ends a watch with an error after some lines', async () => {
    const { pieces, end } = await read({ kind: 'error-event', code: 410, afterLines: 1 });
    expect(linesOf(pieces).map(({ type, object }) => [type, object.code])).toEqual([
      ['ADDED', undefined],
      ['ERROR', 410],
    ]);
    expect(end).toBe('complete');
  });

  it('ends a watch without a word', async () => {
    expect(await read({ kind: 'close' })).toEqual({ pieces: [], end: 'complete' });
  });

  it('breaks the connection in the middle of a line', async () => {
    const { pieces, end } = await read({ kind: 'reset', afterLines: 1, bytes: 10 });
    const text = pieces.join('');
    expect(text.slice(text.indexOf('\n'))).toHaveLength(11);
    expect(end).toBe('ECONNRESET');
  });

  it('breaks the connection in the middle of a list', async () => {
    const { pieces, end } = await read({ kind: 'reset', bytes: 20 }, '');
    expect(pieces.join('')).toHaveLength(20);
    expect(end).toBe('ECONNRESET');
  });

  it('cuts lines anywhere, and loses nothing', async () => {
    server.objects.put('configmaps', { metadata: { namespace: 'default', name: 'c' }, data: { text: 'ü€😀' } });
    const { pieces } = await read({ kind: 'pieces', bytes: 7 }, 'watch=1&timeoutSeconds=1');
    expect(pieces.every((piece) => piece.length <= 7)).toBe(true);
    const whole = Buffer.from(pieces.join(''), 'latin1').toString();
    expect(whole).toContain('ü€😀');
    expect(linesOf([whole])).toHaveLength(3);
  });

  it('puts in a line, and goes on', async () => {
    const { pieces } = await read({ kind: 'line', text: '{"type":', afterLines: 1 }, 'watch=1&timeoutSeconds=1');
    expect(pieces.join('').split('\n')).toHaveLength(4);
    expect(pieces.join('').split('\n')[1]).toBe('{"type":');
  });

  it('answers something else, and says when to come again', async () => {
    server.faults.once({ verb: 'watch' }, { kind: 'status', code: 429, retryAfterSeconds: 7 });
    const { statusCode, headers } = await open();
    expect([statusCode, headers['retry-after']]).toEqual([429, '7']);
    server.faults.once({ verb: 'list' }, { kind: 'body', text: '{"kind":' });
    const pieces: Buffer[] = [];
    for await (const piece of await open('')) pieces.push(piece as Buffer);
    expect(Buffer.concat(pieces).toString()).toBe('{"kind":');
  });

  it('lets nothing come, with or without a head', async () => {
    server.faults.once({ verb: 'watch' }, { kind: 'silence' });
    const silent = await open();
    expect(silent.statusCode).toBe(200);
    server.faults.once({ verb: 'watch' }, { kind: 'no-headers' });
    const ends = Promise.allSettled([open(), silent.toArray()]);
    await server.log.reaches(2);
    await server.down();
    const broken = { status: 'rejected', reason: { code: 'ECONNRESET' } };
    expect(await ends).toMatchObject([broken, broken]);
  });
});
