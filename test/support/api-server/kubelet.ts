import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';

/**
 * What the nodes of a cluster do to pods, without running anything: each pod is bound to a node, is said to run and to be ready
 * under an address of its own, and is gone as soon as it is to be deleted. With it a Deployment has endpoints.
 */

export interface TestNode {
  readonly name: string;
  readonly zone: string;
}

export interface KubeletOptions {
  /** Default: two, each in a zone of its own. */
  readonly nodes?: readonly TestNode[];
  /** The address of a pod; undefined, as by default: one of 10.244.0.0/16. */
  readonly addressOf?: (name: string) => string | undefined;
}

const twoNodes: readonly TestNode[] = [
  { name: 'node-a', zone: 'zone-a' },
  { name: 'node-b', zone: 'zone-b' },
];

/** Milliseconds before watching is tried again when the API server was away. */
const retryInterval = 200;

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly { readonly name: string; readonly image: string }[];
  };
  readonly status?: { readonly podIP?: string; readonly conditions?: readonly PodCondition[] };
}

interface PodCondition {
  readonly type: string;
  readonly status: string;
}

/** Registers the nodes and looks after pods until the signal is aborted. API servers that are away are waited for. */
export async function runKubelet(client: ApiClient, signal: AbortSignal, options: KubeletOptions = {}): Promise<void> {
  const kubelet = new Kubelet(client, options);
  while (!signal.aborted) {
    try {
      await kubelet.registerNodes(signal);
      const lines = await client.lines({ path: '/api/v1/pods', query: { watch: 'true' } }, signal);
      for await (const line of lines) {
        const event = JSON.parse(line.toString()) as { readonly type: string; readonly object: PodObject };
        if (event.type === 'ADDED' || event.type === 'MODIFIED') await kubelet.attend(event.object, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      await delay(retryInterval, undefined, { signal }).catch(() => undefined);
    }
  }
}

class Kubelet {
  readonly #client: ApiClient;
  readonly #nodes: readonly TestNode[];
  readonly #addressOf: (name: string) => string | undefined;
  #bound = 0;
  #addresses = 0;

  constructor(client: ApiClient, { nodes = twoNodes, addressOf = () => undefined }: KubeletOptions) {
    this.#client = client;
    this.#nodes = nodes;
    this.#addressOf = addressOf;
  }

  async registerNodes(signal: AbortSignal): Promise<void> {
    for (const { name, zone } of this.#nodes) {
      const labels = { 'topology.kubernetes.io/zone': zone, 'kubernetes.io/hostname': name };
      const body = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
      await tolerating(409, this.#client.request({ method: 'POST', path: '/api/v1/nodes', body }, signal));
    }
  }

  /** Does what is next for a pod. What that changes comes back as an event of its own. */
  async attend(pod: PodObject, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid, deletionTimestamp } = pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    if (deletionTimestamp !== undefined) {
      const body = { gracePeriodSeconds: 0, preconditions: { uid } };
      await tolerating(404, this.#client.request({ method: 'DELETE', path, body }, signal));
    } else if (pod.spec.nodeName === undefined) {
      const target = { kind: 'Node', name: this.#nodes[this.#bound++ % this.#nodes.length]?.name };
      const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target };
      await tolerating(409, this.#client.request({ method: 'POST', path: `${path}/binding`, body }, signal));
    } else {
      if (isReady(pod)) return;
      const address = pod.status?.podIP ?? this.#addressOf(name) ?? this.#nextAddress();
      const body = { metadata: { uid }, status: readyAt(address, pod) };
      const contentType = 'application/strategic-merge-patch+json';
      const request = { method: 'PATCH', path: `${path}/status`, body, contentType } as const;
      await tolerating(404, this.#client.request(request, signal));
    }
  }

  #nextAddress(): string {
    const number = ++this.#addresses;
    return `10.244.${number >> 8}.${number & 255}`;
  }
}

function isReady({ status }: PodObject): boolean {
  return status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true;
}

function readyAt(address: string, { spec }: PodObject): unknown {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'];
  return {
    phase: 'Running',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: now,
    conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime: now })),
    containerStatuses: spec.containers.map(({ name, image }) => {
      const state = { running: { startedAt: now } };
      return { name, image, imageID: image, containerID: `test://${name}`, ready: true, restartCount: 0, state };
    }),
  };
}

/** Swallows the answer that says that somebody else was there first. */
async function tolerating(status: number, answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!(error instanceof ApiError && error.status === status)) throw error;
  }
}
