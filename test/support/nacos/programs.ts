import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { env, stderr } from 'node:process';
import { promisify } from 'node:util';
import { cacheFolder } from '../../../src/app/envoy-binary.ts';
import { announceSkip, isRequired } from '../envoy.ts';
import { buildNacos } from './build.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a real Nacos server and an application with its official client are started with. */
export interface NacosPrograms {
  /** Path or name of a Java ≥ 17. */
  readonly java: string;
  /** With `nacos-for-tests.jar` and `libraries`. */
  readonly folder: string;
}

/**
 * Nacos 2.5 for tests that need a real one, built once from `test/cluster/nacos`. Where it cannot be had the tests are skipped, and say
 * so; in an environment whose `WEIR_REQUIRE` names `nacos` that is a failure.
 *
 * @returns undefined where there is none: `describe.skipIf((await nacosForTests()) === undefined)`. To be awaited at the top of a test
 *   file, where no timeout runs: it may take a minute, once
 */
export async function nacosForTests(): Promise<NacosPrograms | undefined> {
  try {
    return await locateNacos(env, (line) => stderr.write(`${line}\n`));
  } catch (error) {
    if (isRequired('nacos')) throw error;
    announceSkip('tests with a real Nacos', String(error));
    return undefined;
  }
}

/**
 * @param say told of progress, when it takes long
 * @throws in a sentence, where there is no Java that is new enough, or the build fails
 */
export async function locateNacos(environment: Environment, say: (line: string) => void): Promise<NacosPrograms> {
  const home = environment['JAVA_HOME'];
  const java = home === undefined ? 'java' : join(home, 'bin', 'java');
  await needsJava(java, environment);
  try {
    return { java, folder: await buildNacos({ cache: cacheFolder(environment), environment, say }) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`no Nacos server: have Maven 3 on the PATH to build one; building it failed: ${reason}`, {
      cause: error,
    });
  }
}

async function needsJava(java: string, env: Environment): Promise<void> {
  const advice = 'no Nacos server: have a JDK ≥ 17 on the PATH, or name its folder in JAVA_HOME';
  const said = await promisify(execFile)(java, ['-version'], { env }).catch((cause: unknown) => {
    throw new Error(`${advice}; ${java} cannot be run`, { cause });
  });
  const version = Number(/version "(\d+)/.exec(said.stderr)?.[1]);
  if (!(version >= 17)) throw new Error(`${advice}; ${java} is of version ${version}`);
}
