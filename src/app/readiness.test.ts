import { expect, it } from 'vitest';
import { Engine } from '../incremental/engine.ts';
import type { Freshness } from '../model/source.ts';
import { sources } from '../model/tables.ts';
import { readinessOf, untilReady } from './readiness.ts';

function tell(engine: Engine, name: string, freshness: Freshness): void {
  engine.batch({ source: name, at: 0 }, (write) =>
    write.put(sources, { name, kind: 'files', target: '', freshness, since: 0, objects: 0 }),
  );
}

it('istio-compat/I240: is reached when every source has been read, and not lost when one becomes stale', async () => {
  const engine = new Engine();
  let ready = false;
  const waiting = untilReady(engine, ['a', 'b'], new AbortController().signal).then(() => (ready = true));
  expect(readinessOf(engine, ['a', 'b'])).toEqual({
    ready: false,
    reasons: ['source a has not been read yet', 'source b has not been read yet'],
  });
  tell(engine, 'a', 'synced');
  tell(engine, 'b', 'unknown');
  expect(readinessOf(engine, ['a', 'b']).reasons).toEqual(['source b has not been read yet']);
  expect(ready).toBe(false);
  tell(engine, 'b', 'synced');
  await waiting;
  tell(engine, 'a', 'stale');
  expect(readinessOf(engine, ['a', 'b'])).toEqual({ ready: true, reasons: [] });
});

it('is not waited for by somebody who was told to stop', async () => {
  const controller = new AbortController();
  const waiting = untilReady(new Engine(), ['a'], controller.signal);
  controller.abort();
  await expect(waiting).resolves.toBeUndefined();
});
