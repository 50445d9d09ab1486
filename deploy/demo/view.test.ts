import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Tally } from './traffic.ts';
import { renderFinished, renderLive, renderReasons, type DemoView } from './view.ts';

const web = { service: 'web', version: 'v1', instance: 'web-1' };
const catalogue = { service: 'catalogue', version: 'v2', instance: 'catalogue-v2-1' };

function aTally(answered: number, injected = 0, failed = 0): Tally {
  const tally = new Tally();
  for (let index = 0; index < answered; index++) tally.add({ kind: 'answered', by: [web, catalogue] });
  for (let index = 0; index < injected; index++) tally.add({ kind: 'injected' });
  for (let index = 0; index < failed; index++) tally.add({ kind: 'failed', why: `status 503: reason ${index % 2}` });
  return tally;
}

function aView(overrides: Partial<DemoView> = {}): DemoView {
  const tally = aTally(30);
  const pods = [web, catalogue].map(({ service, version, instance }) => ({ name: instance, service, version }));
  const edits = [{ did: 'edited routes.yaml', lines: Array.from({ length: 40 }, (_, line) => `+ line ${line}`) }];
  const scene = { title: '1/6  a canary', lesson: 'watch', edits, state: 'in force' };
  const figures = { seconds: 61, perSecond: 80, proxies: 2, last: 3.21, median: 12.3 };
  return { ...figures, total: tally, tally, scene, pods, ...overrides };
}

const plain = (lines: readonly string[]): readonly string[] => lines.map(stripVTControlCharacters);

describe('renderLive', () => {
  it('says how many failed, how fast changes arrive, and who answers', () => {
    const text = plain(renderLive(aView(), 100, 30)).join('\n');
    expect(text).toContain('Weir  1:01   30 requests: 0 unexpected failures');
    expect(text).toContain('change to ACK: last 3.2 ms, median 12 ms');
    expect(text).toMatch(/catalogue-v2-1 {2}█+ 100 % +30/);
  });

  it.each([
    [80, 24],
    [120, 60],
    [40, 16],
  ])('fits on a screen of %i columns and %i rows', (columns, rows) => {
    const lines = plain(renderLive(aView(), columns, rows));
    expect(lines.length).toBeLessThan(rows);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(columns);
    expect(lines.some((line) => line.includes('more lines'))).toBe(rows < 50);
    expect(lines.at(-1)).toContain('catalogue-v2-1');
  });
});

it('marks a step that went wrong, and says why requests failed', () => {
  const failing = aTally(8, 1, 3);
  expect(plain(renderFinished('2/6  half', failing, undefined, 4))).toEqual([
    '✗ 2/6  half',
    '    12 requests: catalogue v1 0 %, v2 100 %, 1 injected fault, 3 unexpected failures, change to ACK 4.0 ms',
  ]);
  expect(renderReasons(failing)).toEqual(['    2 × status 503: reason 0', '    1 × status 503: reason 1']);
  expect(plain(renderFinished('2/6  half', aTally(8), undefined, undefined))[0]).toBe('✓ 2/6  half');
  expect(plain(renderFinished('2/6  half', aTally(8), 'too few', undefined))).toContain('    too few');
});
