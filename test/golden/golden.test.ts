import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { envoyForTests } from '../support/envoy.ts';
import { goldenCases, orphansOf, outputFile, outputs } from './cases.ts';
import { renderCase, yamlOf } from './rendering.ts';
import { staticBootstrap } from './static-bootstrap.ts';

const run = promisify(execFile);
const envoy = await envoyForTests();
const cases = goldenCases();
/** Deprecated fields that are wanted all the same. Anything else that Envoy grumbles at is a mistake. */
const wanted = [
  // Its successor does not do the same (policy/A11).
  'envoy.config.route.v3.RouteAction.max_grpc_timeout',
  // Older Envoys do not know the cluster extension that has these settings now.
  'envoy.config.cluster.v3.Cluster.dns_refresh_rate',
  'envoy.config.cluster.v3.Cluster.respect_dns_ttl',
  // Its successor is no field of the API that Weir is built with.
  'envoy.config.rbac.v3.Principal.metadata',
  'envoy.config.rbac.v3.Permission.metadata',
];

describe('what a proxy is sent', () => {
  it('is looked at', () => {
    expect(cases.length).toBeGreaterThan(0);
  });

  it.each(cases)('$name: $title', (golden) => {
    const yaml = yamlOf(renderCase(golden));
    for (const output of outputs) {
      const file = outputFile(golden, output);
      // After a change that is meant: `npm run golden`, and read the difference.
      expect(yaml[output]).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '');
    }
    expect(orphansOf(golden)).toEqual([]);
  });
});

describe.skipIf(envoy === undefined)('Envoy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-validate-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.concurrent.each(cases)(
    'has every extension that $name names, and takes it (policy/P12, xds-protocol/X319)',
    async (golden) => {
      const file = join(folder, `${golden.name.replaceAll('/', '-')}.json`);
      writeFileSync(file, JSON.stringify(staticBootstrap(renderCase(golden))));
      const { stderr } = await run(envoy ?? '', ['--mode', 'validate', '-c', file, '-l', 'warning']);
      const lines = stderr.split('\n').filter((line) => line !== '' && !wanted.some((field) => line.includes(field)));
      expect(lines).toEqual([]);
    },
  );
});
