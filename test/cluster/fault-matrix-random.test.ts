import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../support/fake-api-server/faults.ts';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';
import type { RequestMatch } from '../support/fake-api-server/request-log.ts';
import { transports } from '../support/fake-api-server/transports.ts';

/**
 * Whatever happens to the objects and to the connection, in whatever order: in the end the reflector has what the server has, and it
 * never said that something was removed that was not. A history that fails is made as short as it can be, and printed with the seed and
 * the path that play it again: `fc.assert(…, { seed, path })`.
 */

type Step =
  | { readonly kind: 'put'; readonly name: string; readonly version: string }
  | { readonly kind: 'remove' | 'recreate'; readonly name: string }
  /** Says once more how an object is. */
  | { readonly kind: 'repeat'; readonly name: string; readonly type: 'ADDED' | 'MODIFIED' }
  | { readonly kind: 'down' | 'up' | 'forget' | 'end watches' | 'bookmark' | 'rest' }
  | { readonly kind: 'fault'; readonly times: number; readonly match: RequestMatch; readonly fault: Fault }
  | { readonly kind: 'pass'; readonly milliseconds: number };

const halfAList = '{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"110"}}';
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const afterLines = fc.nat({ max: 4 });

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('status'), code: fc.constantFrom(403, 404, 410, 422, 429, 500, 503) }),
  fc.record({
    kind: fc.constant('status'),
    code: fc.constant(429),
    retryAfterSeconds: fc.integer({ min: 1, max: 40 }),
  }),
  fc.constant({
    kind: 'status',
    code: 504,
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  } as const),
  fc.record({ kind: fc.constant('error-event'), code: fc.constantFrom(410, 429, 500), afterLines }),
  fc.record({ kind: fc.constantFrom('close', 'silence'), afterLines }),
  fc.record({ kind: fc.constant('reset'), afterLines, bytes: fc.nat({ max: 60 }) }),
  fc.record({ kind: fc.constant('line'), text: fc.constantFrom('{"type":"ADD', '{}', 'null', ''), afterLines }),
  fc.record({ kind: fc.constant('pieces'), bytes: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ kind: fc.constant('drip'), bytes: fc.integer({ min: 40, max: 400 }), everyMs: fc.constant(1_000) }),
  fc.record({ kind: fc.constant('body'), text: fc.constantFrom('', '{"items":[', '{}', halfAList) }),
  fc.constant({ kind: 'no-headers' } as const),
);

const match: fc.Arbitrary<RequestMatch> = fc.constantFrom(
  {},
  { verb: 'list' },
  { verb: 'watch' },
  { initialEvents: true },
  { verb: 'watch', initialEvents: false },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put'), name, version: fc.constantFrom('1', '2', '3') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('remove', 'recreate'), name }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('repeat'), name, type: fc.constantFrom('ADDED', 'MODIFIED') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('down', 'up', 'forget', 'end watches', 'bookmark', 'rest') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('fault'), times: fc.integer({ min: 1, max: 3 }), match, fault }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass'), milliseconds: fc.nat({ max: 90_000 }) }) },
);

/** Objects of version 3 are not selected, where anything is selected. */
const selection = { namespace: 'default', labelSelector: 'version!=3' };

async function take(rig: ReflectorRig, step: Step, gone: Set<string>): Promise<void> {
  const { server } = rig;
  const current =
    'name' in step ? server.objects.list('pods').find(({ metadata }) => metadata.name === step.name) : undefined;
  switch (step.kind) {
    case 'put':
      if (current !== undefined && step.version === '3') gone.add(current.metadata.uid);
      rig.put(step.name, step.version);
      return;
    case 'remove':
    case 'recreate':
      if (current === undefined) return;
      gone.add(current.metadata.uid);
      rig.remove(step.name);
      if (step.kind === 'recreate') rig.put(step.name, 'anew');
      return;
    case 'repeat':
      if (current === undefined || current.metadata.labels?.['version'] === '3') return;
      server.say('pods', { type: step.type, object: { apiVersion: 'v1', kind: 'Pod', ...current } });
      return;
    case 'down':
      await server.down();
      return;
    case 'up':
      await server.up();
      return;
    case 'forget':
      server.forget();
      return;
    case 'end watches':
      server.endWatches('pods');
      return;
    case 'bookmark':
      server.bookmark();
      return;
    case 'rest':
      await rig.rest();
      return;
    case 'fault':
      server.faults.times(step.times, step.match, step.fault);
      return;
    case 'pass':
      await rig.time.pass(step.milliseconds);
  }
}

describe.each(transports)('a reflector over $name', ({ tls }) => {
  it('ends with what the server has, whatever happened, and never removed anything that was there (kubernetes/K18, reliability/SC9)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }),
        fc.boolean(),
        fc.boolean(),
        async (steps, lists, selects) => {
          const rig = await ReflectorRig.start({ tls, ...(selects ? { selection } : {}) });
          try {
            const gone = new Set<string>();
            rig.put('a');
            rig.put('b');
            // An old server, that cannot begin a watch with everything.
            if (lists) rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
            rig.run();
            const [first, started] = [rig.requests().length, rig.time.now()];
            for (const each of steps) await take(rig, each, gone);
            rig.server.faults.clear();
            await rig.server.up();
            await rig.time.pass(10 * 60_000);
            expect(rig.followed).toEqual(rig.served);
            expect(rig.health.at(-1)).toBe('following');
            expect(rig.heard.filter((what) => what === 'synced')).toHaveLength(1);
            expect(rig.removedUids.filter((uid) => !gone.has(uid))).toEqual([]);
            const minutes = (rig.time.now() - started) / 60_000;
            expect(rig.requests().length - first).toBeLessThanOrEqual(10 + 3 * steps.length + 10 * minutes);
          } finally {
            await rig.stop();
          }
        },
      ),
      { seed: 5, numRuns: 150 },
    );
  });
});
