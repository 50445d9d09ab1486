import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readBody } from './connection.ts';

const never = new AbortController().signal;

async function textOf(stream: Readable, isComplete = true): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of readBody(stream, () => isComplete, never)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('the body of an answer', () => {
  it('is read to its end, also when the stream is closed before', async () => {
    const stream = new Readable({ read: () => undefined });
    // So is an HTTP/2 stream whose answer came all at once.
    Object.defineProperty(stream, 'closed', { value: true });
    stream.push('all of it');
    stream.push(null);
    expect(await textOf(stream)).toBe('all of it');
    expect(stream.destroyed).toBe(true);
  });

  it('is broken when it ends by an error, by nothing, or before it is complete', async () => {
    const failing = new Readable({ read: () => failing.destroy(new Error('reset')) });
    await expect(textOf(failing)).rejects.toMatchObject({ failure: 'broken', message: 'the connection broke: reset' });
    const vanishing = new Readable({ read: () => vanishing.destroy() });
    await expect(textOf(vanishing)).rejects.toMatchObject({ failure: 'broken' });
    await expect(textOf(Readable.from([Buffer.from('half')]), false)).rejects.toMatchObject({ failure: 'broken' });
  });

  it('ends the request when nobody reads on', async () => {
    const stream = Readable.from([Buffer.from('one'), Buffer.from('two')]);
    for await (const _chunk of readBody(stream, () => true, never)) break;
    expect(stream.destroyed).toBe(true);
  });
});
