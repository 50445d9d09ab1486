import { expect, it } from 'vitest';
import { VirtualTime } from '../../../../test/support/virtual-time.ts';
import { Contact } from './contact.ts';

/** Two who wait for a server; `over` says whose waiting has ended, and when. */
async function twoWaiting() {
  const clock = new VirtualTime();
  const contact = new Contact();
  const stop = new AbortController();
  const over: string[] = [];
  const waitAs = async (name: string, milliseconds: number): Promise<void> => {
    await contact.wait(clock, milliseconds, () => 0.5, stop.signal);
    over.push(`${name} ${clock.monotonic()}`);
  };
  const waiting = [waitAs('a', 5_000), waitAs('b', 60_000)];
  await clock.advance(0);
  return { clock, contact, stop, over, waiting };
}

it('who waits for a server comes back when another has reached it, a moment later (reliability/SC9)', async () => {
  const { clock, contact, over, waiting } = await twoWaiting();
  await clock.advance(5_000);
  expect(over).toEqual(['a 5000']);
  contact.reached();
  await clock.advance(400);
  expect(over).toEqual(['a 5000', 'b 5400']);
  await Promise.all(waiting);
});

it('who is reached by nobody waits to the end', async () => {
  const { clock, over, waiting } = await twoWaiting();
  await clock.advance(60_000);
  expect(over).toEqual(['a 5000', 'b 60000']);
  await Promise.all(waiting);
});

it('whose signal is aborted waits no longer', async () => {
  const { clock, stop, over, waiting } = await twoWaiting();
  stop.abort();
  await Promise.all(waiting);
  await clock.advance(0);
  expect(over).toEqual(['a 0', 'b 0']);
});
