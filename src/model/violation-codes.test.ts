import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findingCodes } from './finding-codes.ts';
import { violationCodes, type ViolationCode } from './violation-codes.ts';

const codes: Readonly<Record<string, ViolationCode>> = { ...violationCodes, ...findingCodes };
const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

describe('the catalogue of codes (policy/P443)', () => {
  it.each(Object.entries(codes))('explains %s in docs/errors.md', (code, { title }) => {
    expect(page).toContain(`| \`${code}\` | ${title} |`);
  });

  it('has no code on the page that Weir does not use', () => {
    const explained = [...page.matchAll(/^\| `([A-Z]+\d+)` \|/gm)].map(([, code]) => code ?? '');
    expect(explained.toSorted()).toEqual(Object.keys(codes).toSorted());
  });

  it('has sentences without a full stop', () => {
    for (const { meaning, remedy } of Object.values(codes)) expect(`${meaning}|${remedy}`).not.toMatch(/\.(\||$)/);
  });
});
