import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { run } from './run.ts';

it('weir manifest prints the plain manifests', async () => {
  let out = '';
  const exitCode = await run({
    arguments: ['manifest'],
    environment: {},
    out: { write: (text) => (out += text), isTerminal: false, colours: false },
    err: { write: () => undefined, isTerminal: false, colours: false },
    now: () => 0,
    untilStopped: () => AbortSignal.abort(),
    onCrash: () => undefined,
  });
  expect(exitCode).toBe(0);
  expect(out).toBe(readFileSync(new URL('../../deploy/manifests/weir.yaml', import.meta.url), 'utf8'));
});
