import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualTimedClock } from '../../../../test/support/timed-clocks.ts';
import { silentLog } from '../../../observe/log.ts';
import { ApiError, type ApiClient, type ApiRequest } from '../api/api-client.ts';
import { keyOf, metadataOf } from './events.ts';
import type { RawObject, Reflected, ReflectorHealth } from './reflected.ts';
import { Reflector } from './reflector.ts';
import { Contact } from './contact.ts';
import { ListTurns } from './turns.ts';

/** What a server answers: the lines of a watch (an error ends it with that), a list, or a refusal. */
type Answer =
  { readonly lines: readonly (object | ApiError)[]; readonly hangs?: boolean } | { list: object } | ApiError;

const silence: Answer = { lines: [], hangs: true };

interface Kept extends Reflected {
  readonly text: unknown;
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Options {
  readonly isLarge?: boolean;
  readonly random?: () => number;
  /** What is answered when the script is over; nothing is ever said by default. */
  readonly afterwards?: (kind: 'list' | 'watch') => Answer;
}

function aReflector(
  script: readonly Answer[],
  { afterwards = () => silence, random = () => 0, ...options }: Options = {},
) {
  const asked: string[] = [];
  const timeouts: string[] = [];
  const answers = script.values();
  const next = (kind: 'list' | 'watch', { path, query = {} }: ApiRequest): Answer => {
    const { timeoutSeconds, allowWatchBookmarks, watch, ...others } = query;
    if (timeoutSeconds !== undefined) timeouts.push(timeoutSeconds);
    asked.push(`${kind} ${path}?${new URLSearchParams(others).toString()}`);
    return answers.next().value ?? afterwards(kind);
  };
  const client: ApiClient = {
    server: 'https://test',
    request: async (request) => {
      const answer = next('list', request);
      if (answer instanceof ApiError) throw answer;
      if ('lines' in answer) throw new Error('a watch was expected');
      return { status: 200, body: answer.list };
    },
    lines: async (request, signal) => {
      const answer = next('watch', request);
      if (answer instanceof ApiError) throw answer;
      if ('list' in answer) throw new Error('a list was expected');
      return linesOf(answer, signal);
    },
    close: () => undefined,
  };
  const clock = new ManualTimedClock();
  const heard: string[] = [];
  const kept: Kept[] = [];
  const health: ReflectorHealth[] = [];
  const reflector = new Reflector<Kept>({
    client,
    resource: { group: '', version: 'v1', plural: 'pods', kind: 'Pod' },
    selection: { namespace: 'shop', fieldSelector: 'status.phase!=Failed' },
    trim,
    handler: {
      changed: (changes) => {
        for (const { kind, object } of changes) {
          heard.push(`${kind} ${object.key} ${object.resourceVersion}`);
          kept.push(object);
        }
      },
      synced: () => heard.push('synced'),
      health: (state) => health.push(state),
    },
    clock,
    random,
    log: silentLog,
    turn: new ListTurns(1).at(0),
    contact: new Contact(),
    ...options,
  });
  const ending = new AbortController();
  const running = reflector.run(ending.signal);
  stops.push(async () => {
    ending.abort();
    await running;
    expect(clock.waiting.size).toBe(0);
  });
  /** Lets time pass, and everything happen that does not need more of it. */
  const pass = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  };
  return { reflector, asked, timeouts, heard, kept, health, pass };
}

async function* linesOf(answer: Extract<Answer, { lines: unknown }>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (const line of answer.lines) {
    if (line instanceof ApiError) throw line;
    yield Buffer.from(JSON.stringify(line));
  }
  if (answer.hangs !== true) return;
  await new Promise<void>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

function trim(object: RawObject): Kept {
  const { uid, resourceVersion } = metadataOf(object);
  if (object['spec'] === 'poison') throw new Error('poison');
  return {
    key: keyOf(object),
    uid: String(uid),
    resourceVersion: String(resourceVersion),
    text: `${String(object['apiVersion'])} ${String(object['kind'])}`,
  };
}

const aPod = (name: string, resourceVersion: string, spec = 'plain') => ({
  metadata: { namespace: 'shop', name, uid: `uid of ${name}`, resourceVersion },
  spec,
});
const added = (name: string, resourceVersion: string, spec?: string) => ({
  type: 'ADDED',
  object: aPod(name, resourceVersion, spec),
});
const bookmark = (resourceVersion: string, annotations = {}) => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion, annotations } },
});
const initialEnd = (resourceVersion: string) => bookmark(resourceVersion, { 'k8s.io/initial-events-end': 'true' });
const aList = (resourceVersion: string, items: readonly object[], next = '') => ({
  list: { kind: 'PodList', metadata: { resourceVersion, continue: next }, items },
});
const refused = (status: number, causes: readonly string[] = []) =>
  new ApiError('refused', `refused with ${status}`, { status, causes });

const path = '/api/v1/namespaces/shop/pods?fieldSelector=status.phase%21%3DFailed';
const begin = `watch ${path}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`;

describe('a reflector', () => {
  it('begins with a watch from any version, and goes on with it (kubernetes/K16, kubernetes/K19)', async () => {
    const lines = [added('b', '7'), added('a', '3'), initialEnd('9'), added('c', '10'), bookmark('12')];
    const { reflector, asked, heard, health, pass } = aReflector([{ lines, hangs: true }]);
    await pass(0);
    expect(heard).toEqual(['put shop/b 7', 'put shop/a 3', 'put shop/c 10', 'synced']);
    expect(health).toEqual([{ kind: 'following' }]);
    expect(asked).toEqual([`${begin}&resourceVersion=0`]);
    await pass(5000);
    expect(reflector.metrics()).toMatchObject({
      resourceVersion: '12',
      silenceMs: 5000,
      objects: 3,
      undelivered: 0,
      lists: 1,
      watches: 1,
      failures: 0,
    });
    expect(reflector.metrics().bytes).toBe(lines.reduce((sum, line) => sum + JSON.stringify(line).length + 1, 0));
  });

  it('lists any version, then nothing older, then what is true now (kubernetes/K11, kubernetes/K12)', async () => {
    const script = [
      refused(422),
      aList('5', [aPod('a', '4')]),
      { lines: [added('b', '6'), { type: 'nonsense', object: {} }] },
      refused(422),
      refused(504, ['ResourceVersionTooLarge']),
      refused(422),
      aList('3', [aPod('a', '2')], 'more'),
      aList('3', [aPod('b', '3')]),
    ];
    const { asked, heard, pass, reflector } = aReflector(script);
    await pass(0);
    for (let seconds = 0; seconds < 10; seconds++) await pass(1000);
    expect(asked).toEqual([
      `${begin}&resourceVersion=0`,
      `list ${path}&resourceVersion=0`,
      `watch ${path}&resourceVersion=5`,
      `${begin}&resourceVersion=6`,
      `list ${path}&resourceVersion=6&resourceVersionMatch=NotOlderThan`,
      begin,
      `list ${path}&limit=500`,
      `list ${path}&limit=500&continue=more`,
      `watch ${path}&resourceVersion=3`,
    ]);
    expect(heard).toEqual(['put shop/a 4', 'put shop/b 6', 'synced', 'put shop/a 2', 'put shop/b 3']);
    expect(reflector.metrics()).toMatchObject({ lists: 2, expired: 1, parseErrors: 1, failures: 2 });
  });

  it('lists a large kind in pages, whatever version would do (kubernetes/K12, kubernetes/K138)', async () => {
    const { asked, pass } = aReflector([refused(422), aList('5', [], 'more'), aList('5', [])], { isLarge: true });
    await pass(0);
    expect(asked.slice(1, 3)).toEqual([`list ${path}&limit=500`, `list ${path}&limit=500&continue=more`]);
  });

  it.each([
    { chance: 0, seconds: '300' },
    { chance: 0.999_999, seconds: '600' },
  ])('goes on from the last thing it heard, for $seconds s by chance $chance (kubernetes/K13)', async (drawn) => {
    const deleted = { type: 'DELETED', object: aPod('a', '8') };
    const [first, second] = [{ lines: [added('a', '4'), initialEnd('5'), bookmark('6')] }, { lines: [deleted] }];
    const script = [first, second, { lines: [added('b', '9')] }];
    const { asked, pass, timeouts } = aReflector(script, { random: () => drawn.chance });
    await pass(0);
    for (let seconds = 0; seconds < 14; seconds++) await pass(1000);
    expect(asked.slice(1, 4)).toEqual(['6', '8', '9'].map((version) => `watch ${path}&resourceVersion=${version}`));
    expect(new Set(timeouts)).toEqual(new Set([drawn.seconds]));
  });

  it('takes no version from the objects of an unfinished set (kubernetes/K17)', async () => {
    const half: Answer = { lines: [added('a', '4'), new ApiError('broken', 'reset')] };
    const { asked, heard, pass } = aReflector([half, refused(500), half, refused(500)]);
    await pass(0);
    await pass(1000);
    expect(asked).toEqual([
      `${begin}&resourceVersion=0`,
      `list ${path}&resourceVersion=0`,
      `${begin}&resourceVersion=0`,
      `list ${path}&resourceVersion=0`,
    ]);
    expect(heard).toEqual([]);
  });

  it('leaves a watch that is silent for four minutes, and goes on where it was (kubernetes/K21, kubernetes/K137)', async () => {
    const { asked, heard, health, pass, reflector } = aReflector([{ lines: [initialEnd('5')], hangs: true }]);
    await pass(0);
    await pass(239_000);
    expect(asked).toHaveLength(1);
    await pass(1000);
    expect(health.map(({ kind }) => kind)).toEqual(['following', 'stale']);
    await pass(1000);
    expect(asked).toEqual([`${begin}&resourceVersion=0`, `watch ${path}&resourceVersion=5`]);
    expect(heard).toEqual(['synced']);
    expect(reflector.metrics()).toMatchObject({ stalls: 1, lists: 1 });
  });

  it('asks a server with a fault for a minute, then lists (kubernetes/K14, kubernetes/K40)', async () => {
    const script = [{ lines: [initialEnd('5')] }, ...Array.from({ length: 12 }, () => refused(500))];
    const { asked, pass } = aReflector(script);
    for (let seconds = 0; seconds < 59; seconds++) await pass(1000);
    expect(new Set(asked.slice(1))).toEqual(new Set([`watch ${path}&resourceVersion=5`]));
    for (let seconds = 0; seconds < 60; seconds++) await pass(1000);
    expect(asked).toContain(`${begin}&resourceVersion=5`);
  });

  it('compares itself with exactly its version after six hours, and corrects what differs (kubernetes/K20)', async () => {
    const hour = 3_600_000;
    const first = { lines: [added('a', '1'), added('b', '2'), initialEnd('5'), bookmark('6')], hangs: true };
    const { asked, heard, pass, reflector } = aReflector([first], {
      afterwards: (kind) => (kind === 'list' ? aList('7', [aPod('a', '1')]) : { lines: [bookmark('7')], hangs: true }),
    });
    await pass(0);
    heard.length = 0;
    // Every watch is silent, and left after four minutes.
    while (!asked.some((question) => question.startsWith('list'))) await pass(60_000);
    await pass(0);
    expect(asked.filter((question) => !question.startsWith('watch'))).toEqual([
      `list ${path}&limit=500&resourceVersion=7&resourceVersionMatch=Exact`,
    ]);
    expect(asked.length).toBeGreaterThan((6 * hour) / 300_000);
    expect(heard).toEqual(['remove shop/b 2']);
    expect(reflector.metrics()).toMatchObject({ drift: 1, resourceVersion: '7' });
  });

  it('keeps what it knows of an object that it cannot read (kubernetes/K22)', async () => {
    const { heard, pass, reflector } = aReflector([
      { lines: [added('a', '1'), initialEnd('5'), added('a', '6', 'poison'), added('b', '7'), { type: 'lost' }] },
      { lines: [added('a', '6', 'poison'), added('b', '7'), initialEnd('8')], hangs: true },
    ]);
    await pass(0);
    await pass(1000);
    expect(heard).toEqual(['put shop/a 1', 'put shop/b 7', 'synced']);
    expect(reflector.metrics()).toMatchObject({ trimErrors: 2, objects: 2, resourceVersion: '8' });
  });

  it('gives the items of a list the kind that they do not say', async () => {
    const { kept, pass } = aReflector([refused(422), aList('5', [aPod('a', '4')])]);
    await pass(0);
    expect(kept).toEqual([{ key: 'shop/a', uid: 'uid of a', resourceVersion: '4', text: 'v1 Pod' }]);
  });
});
