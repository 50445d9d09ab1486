import { errorAt, type Reading } from '../objects/violations.ts';
import type { ChosenContext, KubeconfigForm } from './kubeconfig-form.ts';

/** One of the files that are a kubeconfig together. */
export interface KubeconfigPart {
  readonly form: KubeconfigForm;
  /** Where relative paths in it begin. */
  readonly directory: string;
  /** What stands before paths of fields, for people; empty where there is one file. */
  readonly place: string;
}

/**
 * Finds a context and what it names. Of equal names the first counts, in the order of the files, as with kubectl.
 *
 * @param name of the context; undefined: the current one
 */
export function chooseContext(parts: readonly KubeconfigPart[], name: string | undefined): Reading<ChosenContext> {
  const current = parts.map(({ form }) => form['current-context'] ?? '').find((each) => each !== '');
  const wanted = name ?? current ?? '';
  if (wanted === '') return unusable('current-context', 'no context is chosen', 'name one, or set current-context');
  const contexts = placed(parts, 'contexts', ({ contexts: entries }) => entries);
  const chosen = named(contexts, wanted);
  if (chosen === undefined)
    return unusable('current-context', `there is no context ${wanted}`, known('context', contexts));
  const { context } = chosen.entry;

  const clusters = placed(parts, 'clusters', ({ clusters: entries }) => entries);
  const cluster = named(clusters, context.cluster);
  if (cluster === undefined) {
    const message = `there is no cluster ${context.cluster}`;
    return unusable(`${chosen.path}.context.cluster`, message, known('cluster', clusters));
  }

  const users = placed(parts, 'users', ({ users: entries }) => entries);
  const userName = context.user ?? '';
  const user = named(users, userName);
  if (user === undefined && userName !== '') {
    return unusable(`${chosen.path}.context.user`, `there is no user ${userName}`, known('user', users));
  }
  return {
    kind: 'valid',
    value: {
      namespace: context.namespace ?? undefined,
      cluster: cluster.entry.cluster,
      clusterPath: `${cluster.path}.cluster`,
      clusterDirectory: cluster.directory,
      user: user?.entry.user ?? {},
      userPath: `${user?.path ?? 'users'}.user`,
      userDirectory: user?.directory ?? '.',
    },
  };
}

interface Placed<Entry> {
  readonly entry: Entry;
  /** For example `clusters[0]`. */
  readonly path: string;
  readonly directory: string;
}

function placed<Entry>(
  parts: readonly KubeconfigPart[],
  field: string,
  entriesOf: (form: KubeconfigForm) => readonly Entry[] | null | undefined,
): readonly Placed<Entry>[] {
  return parts.flatMap(({ form, directory, place }) =>
    (entriesOf(form) ?? []).map((entry, index) => ({ entry, path: `${place}${field}[${index}]`, directory })),
  );
}

function named<Entry extends { readonly name: string }>(
  entries: readonly Placed<Entry>[],
  name: string,
): Placed<Entry> | undefined {
  return entries.find(({ entry }) => entry.name === name);
}

function known(what: string, entries: readonly Placed<{ readonly name: string }>[]): string {
  if (entries.length === 0) return `add a ${what}`;
  return `choose one of ${[...new Set(entries.map(({ entry }) => entry.name))].join(', ')}`;
}

function unusable(path: string, message: string, advice: string): Reading<never> {
  return { kind: 'invalid', violations: [errorAt('WEIR2102', path, message, advice)] };
}
