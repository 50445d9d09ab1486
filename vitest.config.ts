import { env } from 'node:process';
import { defineConfig } from 'vitest/config';

/** Where to leave a machine-readable report, beside the one on the terminal; set by `.ci/run`. */
const reportFile = env['WEIR_TEST_REPORT'];

// vitest takes its configuration from a default export: the only one of the project.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'proto/**/*.test.ts', 'deploy/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real Envoys and compilers share the machine with the tests.
    maxWorkers: 2,
    ...(reportFile === undefined
      ? { reporters: ['default'] }
      : { reporters: ['default', 'json'], outputFile: { json: reportFile } }),
  },
});
