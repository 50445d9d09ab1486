import { errorAt, type Reading } from '../objects/violations.ts';
import type { ChosenContext, KubeconfigForm } from './kubeconfig-form.ts';

/** @param name of the context; undefined: the current one */
export function chooseContext(form: KubeconfigForm, name: string | undefined): Reading<ChosenContext> {
  const path = 'current-context';
  const wanted = name ?? form['current-context'] ?? '';
  const contexts = form.contexts ?? [];
  if (wanted === '') return unusable(path, 'no context is chosen', 'name one, or set current-context');
  const chosen = contexts.findIndex((context) => context.name === wanted);
  const { context } = contexts[chosen] ?? {};
  if (context === undefined) return unusable(path, `there is no context ${wanted}`, known('context', contexts));

  const clusters = form.clusters ?? [];
  const clusterAt = clusters.findIndex((cluster) => cluster.name === context.cluster);
  const { cluster } = clusters[clusterAt] ?? {};
  if (cluster === undefined) {
    const at = `contexts[${chosen}].context.cluster`;
    return unusable(at, `there is no cluster ${context.cluster}`, known('cluster', clusters));
  }

  const users = form.users ?? [];
  const userName = context.user ?? '';
  const userAt = users.findIndex((user) => user.name === userName);
  if (userAt < 0 && userName !== '') {
    return unusable(`contexts[${chosen}].context.user`, `there is no user ${userName}`, known('user', users));
  }
  return {
    kind: 'valid',
    value: {
      namespace: context.namespace ?? undefined,
      cluster,
      clusterPath: `clusters[${clusterAt}].cluster`,
      user: users[userAt]?.user ?? {},
      userPath: `users[${userAt}].user`,
    },
  };
}

function known(what: string, named: readonly { readonly name: string }[]): string {
  if (named.length === 0) return `add a ${what}`;
  return `choose one of ${named.map(({ name }) => name).join(', ')}`;
}

function unusable(path: string, message: string, advice: string): Reading<never> {
  return { kind: 'invalid', violations: [errorAt('WEIR2102', path, message, advice)] };
}
