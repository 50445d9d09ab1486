import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { settingKeys, settings, type Setting } from './settings.ts';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

it.each(settingKeys)('docs/configuration.md has the row of %s', (key) => {
  const { flag, variable, description, default: fallback }: Setting<unknown> = settings[key];
  const shown = fallback === undefined ? '–' : `\`${fallback}\``;
  expect(page).toContain(`| \`${key}\` | \`--${flag}\` | \`${variable}\` | ${shown} | ${description} |`);
});

it('docs/configuration.md has no row of a setting that does not exist', () => {
  const documented = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, key]) => key);
  expect(documented).toEqual(settingKeys);
});

it.each(settingKeys)('%s is called alike by flag and variable', (key) => {
  const { flag, variable } = settings[key];
  expect(variable).toBe(`WEIR_${flag.replaceAll('-', '_').toUpperCase()}`);
  expect(flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())).toBe(key);
});
