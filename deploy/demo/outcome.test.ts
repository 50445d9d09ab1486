import { expect, it } from 'vitest';
import type { Answer, Echo } from './echo-service.ts';
import { outcomeOf } from './outcome.ts';

function anEcho(instance: string, next?: Answer): string {
  const echo: Echo = { service: 's', version: 'v1', instance, method: 'GET', path: '/', headers: {} };
  return JSON.stringify(next === undefined ? echo : { ...echo, next });
}

const teapots = { kind: 'status', status: 418 } as const;
const fault: Answer = { status: 418, body: 'fault filter abort' };

it('names who answered, along the way', () => {
  const answer = { status: 200, body: anEcho('web-1', { status: 200, body: anEcho('catalogue-v2-1') }) };
  expect(outcomeOf(answer, { kind: 'none' })).toMatchObject({
    kind: 'answered',
    by: [{ instance: 'web-1' }, { instance: 'catalogue-v2-1' }],
  });
});

it('takes a failure for a make-believe one only while one is injected, and only if it looks like one', () => {
  const failed = (next: Answer): Answer => ({ status: next.status, body: anEcho('web-1', next) });
  expect(outcomeOf(failed(fault), teapots)).toEqual({ kind: 'injected' });
  expect(outcomeOf(failed(fault), { kind: 'none' })).toEqual({
    kind: 'failed',
    why: 'status 418 behind web-1: fault filter abort',
  });
  expect(outcomeOf(failed({ status: 503, body: 'fault filter abort' }), teapots)).toMatchObject({ kind: 'failed' });
  expect(outcomeOf(failed({ status: 418, body: 'no healthy upstream' }), teapots)).toMatchObject({ kind: 'failed' });
  expect(outcomeOf({ status: 0, body: 'connect ECONNREFUSED' }, teapots)).toEqual({
    kind: 'failed',
    why: 'status 0: connect ECONNREFUSED',
  });
  expect(outcomeOf(failed({ status: 503, body: 'fault filter abort' }), { kind: 'any' })).toEqual({ kind: 'injected' });
  expect(outcomeOf(failed({ status: 503, body: 'no healthy upstream' }), { kind: 'any' })).toMatchObject({
    kind: 'failed',
  });
});
