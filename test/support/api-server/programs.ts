import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { env, stderr } from 'node:process';
import { cacheFolder } from '../../../src/app/envoy-binary.ts';
import { announceSkip, isRequired } from '../envoy.ts';
import { buildControlPlane } from './build.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the programs of a Kubernetes control plane are: paths of executable files. */
export interface ControlPlanePrograms {
  readonly etcd: string;
  readonly apiServer: string;
  /** A folder of envtest has none: then nothing makes pods of a Deployment or slices of a Service. */
  readonly controllerManager: string | undefined;
  readonly kubectl: string | undefined;
  readonly helm: string | undefined;
}

/**
 * The programs for tests that need a real API server: those of `KUBEBUILDER_ASSETS` (`TEST_ASSET_ETCD`,
 * `TEST_ASSET_KUBE_APISERVER` and `TEST_ASSET_KUBECTL` name single ones), else built once from `test/cluster/apiserver`. Where
 * they cannot be had the tests are skipped, and say so; in an environment whose `WEIR_REQUIRE` names `kubernetes` that is a
 * failure.
 *
 * @returns undefined where there are none: `describe.skipIf((await apiServerForTests()) === undefined)`. To be awaited at the top of a test
 *   file, where no timeout runs: it may take minutes, once
 */
export async function apiServerForTests(): Promise<ControlPlanePrograms | undefined> {
  try {
    return await locateControlPlane(env, (line) => stderr.write(`${line}\n`));
  } catch (error) {
    if (isRequired('kubernetes')) throw error;
    announceSkip('tests with a real Kubernetes API server', String(error));
    return undefined;
  }
}

/**
 * @param say told of progress, when it takes long
 * @throws in a sentence, where there are none
 */
export async function locateControlPlane(
  environment: Environment,
  say: (line: string) => void,
): Promise<ControlPlanePrograms> {
  const single = {
    etcd: environment['TEST_ASSET_ETCD'],
    apiServer: environment['TEST_ASSET_KUBE_APISERVER'],
    kubectl: environment['TEST_ASSET_KUBECTL'],
  };
  const isComplete = single.etcd !== undefined && single.apiServer !== undefined;
  const folder = environment['KUBEBUILDER_ASSETS'] ?? (isComplete ? undefined : await built(environment, say));
  const inFolder = (name: string): string => (folder === undefined ? name : join(folder, name));
  return {
    etcd: await needed(single.etcd ?? inFolder('etcd')),
    apiServer: await needed(single.apiServer ?? inFolder('kube-apiserver')),
    controllerManager: await wanted(inFolder('kube-controller-manager')),
    kubectl: await wanted(single.kubectl ?? inFolder('kubectl')),
    helm: await wanted(inFolder('helm')),
  };
}

async function built(environment: Environment, say: (line: string) => void): Promise<string> {
  try {
    return await buildControlPlane({ cache: cacheFolder(environment), environment, say });
  } catch (error) {
    throw new Error(
      'no Kubernetes API server: set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, or have Go 1.26 on the PATH to ' +
        `build one; building it failed: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

async function needed(path: string): Promise<string> {
  if ((await wanted(path)) !== undefined) return path;
  throw new Error(
    `no Kubernetes API server: ${path} is not an executable file, see KUBEBUILDER_ASSETS and TEST_ASSET_*`,
  );
}

function wanted(path: string): Promise<string | undefined> {
  return access(path, constants.X_OK).then(
    () => path,
    () => undefined,
  );
}
