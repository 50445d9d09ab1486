import { env, stderr } from 'node:process';
import { EnvoyMissing, locateEnvoy } from '../../src/app/envoy-binary.ts';

/**
 * The Envoy binary for tests that need a real one. Where there is none they are skipped, and say so; in an environment whose
 * `WEIR_REQUIRE` names `envoy` that is a failure.
 *
 * @returns the path, or undefined: `describe.skipIf((await envoyForTests()) === undefined)`
 */
export async function envoyForTests(): Promise<string | undefined> {
  try {
    return await locateEnvoy(env);
  } catch (error) {
    if (!(error instanceof EnvoyMissing) || isRequired('envoy')) throw error;
    announceSkip('tests with a real Envoy', error.message);
    return undefined;
  }
}

/** Whether `WEIR_REQUIRE`, a list separated by commas, names a thing without which tests must not pass. */
export function isRequired(thing: string): boolean {
  return (env['WEIR_REQUIRE'] ?? '').split(',').some((name) => name.trim() === thing);
}

/** Says on the terminal, past the reporter, what was not tested and why. */
export function announceSkip(what: string, reason: string): void {
  stderr.write(`\nSKIPPED: ${what}: ${reason}\n\n`);
}
