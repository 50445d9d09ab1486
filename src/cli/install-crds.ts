import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ApiError, type ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import { ownerLabel, type CustomResourceDefinition } from '../policy/dialects/definitions/custom-resource.ts';

/** Brings the definitions of Weir's kinds into a cluster, and never touches one that belongs to somebody else. */

/** What there is to do for a definition. */
export type CrdStep =
  | { readonly kind: 'create'; readonly definition: CustomResourceDefinition }
  | { readonly kind: 'unchanged'; readonly definition: CustomResourceDefinition }
  /** Ours, of another version of Weir. */
  | { readonly kind: 'upgrade'; readonly definition: CustomResourceDefinition }
  /** Not ours. */
  | {
      readonly kind: 'foreign';
      readonly definition: CustomResourceDefinition;
      /** Versions that the cluster serves and Weir reads; empty: Weir cannot read the kind there. */
      readonly readable: readonly string[];
    };

interface Named {
  readonly metadata: { readonly name: string };
}

interface Existing {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: { readonly versions: readonly { readonly name: string; readonly served: boolean }[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Part of what applies a change, so that conflicts name it. */
const fieldManager = 'weir-install';

/** @throws ApiError when the server cannot be asked */
export async function planCrds(
  client: ApiClient,
  definitions: readonly CustomResourceDefinition[],
  signal: AbortSignal,
): Promise<readonly CrdStep[]> {
  return Promise.all(
    definitions.map(async (definition) => stepFor(definition, await readDefinition(client, definition, signal))),
  );
}

function stepFor(definition: CustomResourceDefinition, existing: Existing | undefined): CrdStep {
  if (existing === undefined) return { kind: 'create', definition };
  if (existing.metadata.labels?.[ownerLabel.key] !== ownerLabel.value) {
    const ours = definition.spec.versions.map(({ name }) => name);
    const readable = existing.spec.versions.filter(({ name, served }) => served && ours.includes(name));
    return { kind: 'foreign', definition, readable: readable.map(({ name }) => name) };
  }
  return { kind: isDeepStrictEqual(existing.spec, definition.spec) ? 'unchanged' : 'upgrade', definition };
}

async function readDefinition(
  client: ApiClient,
  { metadata: { name } }: Named,
  signal: AbortSignal,
): Promise<Existing | undefined> {
  try {
    const { body } = await client.request({ path: `${definitionsPath}/${name}` }, signal);
    return body as Existing;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * `namespace/name` of every istiod: where one runs the groups of istio.io are its own, whether their definitions are there yet or not.
 *
 * @throws ApiError when the server cannot be asked
 */
export async function findIstiods(client: ApiClient, signal: AbortSignal): Promise<readonly string[]> {
  const { body } = await client.request(
    { path: '/apis/apps/v1/deployments', query: { labelSelector: 'app=istiod' } },
    signal,
  );
  const { items } = body as {
    readonly items: readonly { readonly metadata: { readonly namespace: string; readonly name: string } }[];
  };
  return items.map(({ metadata: { namespace, name } }) => `${namespace}/${name}`);
}

/**
 * Creates or replaces a definition by server-side apply.
 *
 * @param dryRun only asks the server whether it would take it
 * @throws ApiError when the server refuses or cannot be asked
 */
export async function applyCrd(
  client: ApiClient,
  definition: CustomResourceDefinition,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<void> {
  await client.request(
    {
      method: 'PATCH',
      path: `${definitionsPath}/${definition.metadata.name}`,
      // Of what is ours we own every field, whatever tool wrote it before.
      query: { fieldManager, force: 'true', ...(dryRun ? { dryRun: 'All' } : {}) },
      contentType: 'application/apply-patch+yaml',
      body: definition,
    },
    signal,
  );
}

/** Milliseconds between two looks; a server takes a few hundred to establish a kind. */
const pause = 100;

/** Waits until objects of the kind can be written. */
export async function untilEstablished(client: ApiClient, definition: Named, signal: AbortSignal): Promise<void> {
  for (;;) {
    const existing = await readDefinition(client, definition, signal);
    const conditions = existing?.status?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    await delay(pause, undefined, { signal });
  }
}
