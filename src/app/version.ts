import { readFileSync } from 'node:fs';

/** Weir's version, from the manifest of the package, which lies two folders above in the checkout and in the package alike. */
export const weirVersion: string = readVersion();

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}
