import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiServer } from '../../test/support/api-server/api-server.ts';
import { runKubelet } from '../../test/support/api-server/kubelet.ts';
import type { ControlPlanePrograms } from '../../test/support/api-server/programs.ts';
import type { Pod } from './mesh-folder.ts';
import type { MeshHome } from './mesh-home.ts';
import { insideCommand } from './own-network.ts';

/**
 * A real Kubernetes API server with its controllers, into which kubectl puts what is saved. There are no nodes: that pods run, and under which
 * address, is said in the place of a kubelet; who answers there are the demo's services.
 */

const launcher = fileURLToPath(new URL('../../bin/weir', import.meta.url));
const run = promisify(execFile);

/** Of the pods: the API server takes no loopback addresses for endpoints. */
export const podRange = '10.244.0.0/16';
const [loopbackPrefix, podPrefix] = ['127.0.1.', '10.244.1.'];
/** Milliseconds after which waiting for pods is given up. */
const patience = 60_000;
/** One zone: where pods are is no part of the story. */
const node = { name: 'node-a', zone: 'zone-a' };

export async function startClusterHome(programs: ControlPlanePrograms): Promise<MeshHome> {
  const { kubectl = 'kubectl', controllerManager } = programs;
  if (controllerManager === undefined) {
    throw new Error('the demo needs controllers, and there is no kube-controller-manager: see KUBEBUILDER_ASSETS');
  }
  const server = await ApiServer.start({ programs });
  const pods = new Map<string, Pod>();
  const leaving = new AbortController();
  const kubelet = runKubelet(server.client, leaving.signal, {
    nodes: [node],
    addressOf: (name) => pods.get(name)?.address,
  });
  const command = [kubectl, '--kubeconfig', server.kubeconfigPath];
  const kubernetes = async (...args: readonly string[]): Promise<void> => {
    const [program = '', ...before] = command;
    await run(program, [...before, ...args]);
  };
  const stop = async (): Promise<void> => {
    leaving.abort();
    await kubelet;
    await server.stop();
  };
  return {
    name: `the API server ${server.url}`,
    flags: ['--kubernetes', '--kubeconfig', server.kubeconfigPath],
    adapt: (text) => withoutSlices(text).replaceAll(loopbackPrefix, podPrefix),
    async begin(folder, signal) {
      for (const pod of await folder.pods()) pods.set(pod.name, pod);
      await run(launcher, ['install', 'crds', '--kubeconfig', server.kubeconfigPath], { signal });
      await makeAccounts(server, [...pods.values()]);
      await kubernetes('apply', '--filename', folder.path);
      await untilReachable(server, [...pods.values()], AbortSignal.any([signal, AbortSignal.timeout(patience)]));
    },
    saved: (path) => kubernetes('apply', '--filename', path),
    removing: (path) => kubernetes('delete', '--filename', path),
    invitation: (folder) => [
      `edit the files in ${folder.path}, apply them, and watch the bars:`,
      `  ${[...insideCommand(), ...command].join(' ')} apply -f ${folder.path}`,
      `everything is in a network of its own: put "${insideCommand().join(' ')}" before the commands below`,
    ],
    stop,
  };
}

/** Controllers make the slices of the pods that they find. */
function withoutSlices(text: string): string {
  const documents = text.split(/^---\n/m).filter((document) => !/^kind: EndpointSlice$/m.test(document));
  return documents.join('---\n');
}

async function makeAccounts({ client }: ApiServer, pods: readonly Pod[]): Promise<void> {
  for (const namespace of new Set(pods.map((pod) => pod.namespace))) {
    await client.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } });
  }
  for (const account of new Set(pods.map((pod) => `${pod.namespace}/${pod.account}`))) {
    const [namespace, name] = account.split('/');
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await client.request({ method: 'POST', path, body: { metadata: { name } } });
  }
}

/** Waits until the slices that controllers make hold every pod: from then on a request finds somebody. */
async function untilReachable({ client }: ApiServer, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
  const missing = new Set(pods.map((pod) => pod.address));
  const path = '/apis/discovery.k8s.io/v1/endpointslices';
  for await (const line of await client.lines({ path, query: { watch: 'true' } }, signal)) {
    const { object } = JSON.parse(line.toString()) as { readonly object: SliceObject };
    for (const { addresses, conditions } of object.endpoints ?? []) {
      if (conditions?.ready === true) for (const address of addresses) missing.delete(address);
    }
    if (missing.size === 0) return;
  }
}

interface SliceObject {
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
}
