import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The chart, as Helm renders it. */

export const chartFolder = join(import.meta.dirname, 'weir');

/** The namespace of the documentation, and of the plain manifests. */
export const namespace = 'weir-system';

const run = promisify(execFile);

/** A Helm that was built by itself believes that it is for an old Kubernetes. */
const kubeVersion = ['--kube-version', '1.36.0'];

/**
 * All objects of a release, as a stream of YAML.
 *
 * @param helm path of the program
 * @param values files over `values.yaml`
 * @throws with Helm's own words when the values do not fit the schema, or a template is wrong
 */
export async function renderChart(helm: string, values: readonly string[] = []): Promise<string> {
  const files = values.flatMap((file) => ['--values', file]);
  const { stdout } = await run(helm, [
    'template',
    'weir',
    chartFolder,
    '--namespace',
    namespace,
    ...kubeVersion,
    ...files,
  ]);
  return stdout;
}

/** @throws with what Helm has to say */
export async function lintChart(helm: string): Promise<void> {
  await run(helm, ['lint', '--strict', chartFolder, '--namespace', namespace, ...kubeVersion]);
}
