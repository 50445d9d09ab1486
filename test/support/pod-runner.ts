import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Child } from '../../deploy/demo/child.ts';
import type { Container, Pod } from '../../src/inject/pod.ts';
import type { NetworkNamespace } from './network-namespace.ts';

/**
 * Does for the containers of a pod what a node does, as processes in a network namespace: variables, mounts (as paths below a folder), user
 * and group, capabilities, the init containers in their order and those that stay.
 */

export interface PodRunnerOptions {
  readonly pod: Pod;
  readonly name: string;
  readonly namespace: string;
  readonly network: NetworkNamespace;
  /** What stands for the root of the containers' file systems. */
  readonly folder: string;
  /** What the volumes hold that others fill: text by volume and by file. */
  readonly volumes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Programs of the images, by the name that a container's `command` has; `weir` is Weir's. */
  readonly programs: Readonly<Record<string, string>>;
}

const run = promisify(execFile);
export const weirProgram = fileURLToPath(new URL('../../bin/weir', import.meta.url));

/** Runs the containers that injection added, of which the last stays; the application is the test's. */
export async function runSidecar(options: PodRunnerOptions): Promise<Child> {
  await fillVolumes(options);
  const added = (options.pod.spec.initContainers ?? []).filter(({ name }) => name.startsWith('weir-'));
  for (const container of added) {
    const [command = '', ...args] = await commandOf(container, options);
    if (container.restartPolicy === 'Always') {
      return new Child({ command, args, name: container.name, logFile: join(options.folder, 'proxy.log') });
    }
    await run(command, args);
  }
  throw new Error('the pod has no native sidecar');
}

async function fillVolumes({ pod, folder, volumes }: PodRunnerOptions): Promise<void> {
  const mounts = (pod.spec.initContainers ?? []).flatMap(mountsOf);
  for (const { name, mountPath } of mounts) {
    await mkdir(join(folder, mountPath), { recursive: true });
    for (const [file, text] of Object.entries(volumes[name] ?? {}))
      await writeFile(join(folder, mountPath, file), text);
  }
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}

function mountsOf(container: Container): readonly Mount[] {
  return (container['volumeMounts'] ?? []) as readonly Mount[];
}

async function commandOf(container: Container, options: PodRunnerOptions): Promise<readonly string[]> {
  const { network, folder, programs, pod } = options;
  // A bootstrap names files of another container.
  const mounts = (pod.spec.initContainers ?? []).flatMap(mountsOf);
  const places = new Set(mounts.map(({ mountPath }) => mountPath));
  const [command = 'weir'] = (container['command'] ?? []) as readonly string[];
  const args = ((container['args'] ?? []) as readonly string[]).map((argument) => {
    const text = withVariables(argument, container, options);
    return [...places].reduce((path, place) => path.replaceAll(place, join(folder, place)), text);
  });
  const program = programs[command] ?? weirProgram;
  return [...network.prefix, 'env', await network.nftPath(), 'setpriv', ...rights(container), program, ...args];
}

/** Files of a test are root's: of who the container runs as, the group alone is taken over, which the rules let pass as well. */
function rights({ securityContext }: Container): readonly string[] {
  const { runAsGroup, capabilities } = securityContext as {
    readonly runAsGroup: number;
    readonly capabilities: { readonly add?: readonly string[] };
  };
  const added = (capabilities.add ?? []).map((name) => `+${name.toLowerCase()}`);
  // A process of root may read what is root's without being allowed to by a capability.
  const bounding = ['-all', ...added].join(',');
  return ['--regid', String(runAsGroup), '--clear-groups', '--no-new-privs', '--bounding-set', bounding];
}

interface Variable {
  readonly name: string;
  readonly valueFrom: { readonly fieldRef: { readonly fieldPath: string } };
}

function withVariables(
  text: string,
  container: Container,
  { pod, name, namespace, network }: PodRunnerOptions,
): string {
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': name,
    'metadata.namespace': namespace,
    'status.podIP': network.address,
    'spec.serviceAccountName': (pod.spec['serviceAccountName'] ?? 'default') as string,
  };
  const variables = (container['env'] ?? []) as readonly Variable[];
  return variables.reduce(
    (result, { name: variable, valueFrom }) =>
      result.replaceAll(`$(${variable})`, fields[valueFrom.fieldRef.fieldPath] ?? ''),
    text,
  );
}
