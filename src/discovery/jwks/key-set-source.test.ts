import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../test/support/virtual-time.ts';
import { Engine } from '../../incremental/engine.ts';
import type { FetchedKeys } from '../../model/authentication.ts';
import { keySets } from '../../model/tables.ts';
import { silentLog } from '../../observe/log.ts';
import { EgressRefused } from './egress-guard.ts';
import { KeySetSource } from './key-set-source.ts';

const minute = 60_000;
const at = (uri: string): FetchedKeys => ({ kind: 'uri', uri });
const setOf = (kid: string): string =>
  `{"keys":[{"kty":"EC","kid":"${kid}","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`;

/** A source for which the test is the internet. */
function theSource() {
  const engine = new Engine();
  const time = new VirtualTime();
  const answers = new Map<string, string | Error>();
  const asked: string[] = [];
  const outcomes: string[] = [];
  const source = new KeySetSource({
    engine,
    fetchText: async (address) => {
      asked.push(address);
      const answer = answers.get(address) ?? new Error('nobody is there');
      if (answer instanceof Error) throw answer;
      return answer;
    },
    clock: time,
    random: () => 0.5,
    log: silentLog,
    observer: { fetched: (outcome) => outcomes.push(outcome) },
  });
  const end = new AbortController();
  const stopped = source.run(end.signal);
  const stop = async (): Promise<void> => {
    end.abort();
    await stopped;
  };
  const known = () => [...engine.rows(keySets)].map(({ key, keys }) => [key, /"kid":"(\w+)"/.exec(keys)?.[1]]);
  return { source, time, answers, asked, outcomes, stop, known };
}

describe('keys of issuers', () => {
  it('are fetched when an object refers to them, and refreshed every twenty minutes (policy/J2)', async () => {
    const { source, time, answers, asked, known, stop } = theSource();
    answers.set('https://a/keys', setOf('one'));
    source.want([at('https://a/keys')]);
    await time.advance(0);
    expect(known()).toEqual([['uri https://a/keys', 'one']]);
    answers.set('https://a/keys', setOf('two'));
    await time.advance(19 * minute);
    expect(asked).toHaveLength(1);
    await time.advance(minute);
    expect(known()).toEqual([['uri https://a/keys', 'two']]);
    await stop();
  });

  it('stay as they were when they cannot be fetched again (policy/J2)', async () => {
    const { source, time, answers, known, outcomes, stop } = theSource();
    answers.set('https://a/keys', setOf('one'));
    source.want([at('https://a/keys')]);
    await time.advance(0);
    answers.set('https://a/keys', '<html>');
    await time.advance(21 * minute);
    expect(known()).toEqual([['uri https://a/keys', 'one']]);
    expect(outcomes.slice(0, 2)).toEqual(['ok', 'failed']);
    await stop();
  });

  it('are not there when they never came, and are asked for more and more seldom (reliability/S8)', async () => {
    const { source, time, answers, asked, known, outcomes, stop } = theSource();
    answers.set('https://b/keys', new EgressRefused('no'));
    source.want([at('https://a/keys'), at('https://b/keys')]);
    await time.advance(60 * minute);
    expect(known()).toEqual([]);
    expect(new Set(outcomes)).toEqual(new Set(['failed', 'refused']));
    expect(asked.length).toBeLessThan(60);
    answers.set('https://a/keys', setOf('one'));
    await time.advance(10 * minute);
    expect(known()).toEqual([['uri https://a/keys', 'one']]);
    await stop();
  });

  it('are found by what the issuer says of itself (policy/J2)', async () => {
    const { source, time, answers, known, stop } = theSource();
    const said = { issuer: 'https://a/', jwks_uri: 'https://a/keys' };
    answers.set('https://a/.well-known/openid-configuration', JSON.stringify(said));
    answers.set('https://a/keys', setOf('one'));
    source.want([{ kind: 'issuer', issuer: 'https://a/' }]);
    await time.advance(0);
    expect(known()).toEqual([['issuer https://a/', 'one']]);
    await stop();
  });

  it('go when no object refers to them any more', async () => {
    const { source, time, answers, asked, known, stop } = theSource();
    answers.set('https://a/keys', setOf('one'));
    source.want([at('https://a/keys')]);
    await time.advance(0);
    source.want([]);
    await time.advance(60 * minute);
    expect(known()).toEqual([]);
    expect(asked).toHaveLength(1);
    await stop();
  });
});
