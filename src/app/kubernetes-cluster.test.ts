import { mkdtempSync, rmSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterError, findCluster } from './kubernetes-cluster.ts';

const unset = { kubeconfig: undefined, kubernetesContext: undefined };

function aKubeconfig(...names: readonly string[]): string {
  return JSON.stringify({
    'current-context': names[0],
    contexts: names.map((name) => ({ name, context: { cluster: name } })),
    clusters: names.map((name) => ({ name, cluster: { server: `https://${name}:6443` } })),
  });
}

describe('the cluster', () => {
  let home = '';
  const path = (name: string): string => join(home, name);

  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'weir-kubeconfig-'));
    mkdirSync(path('.kube'));
    writeFileSync(path('.kube/config'), aKubeconfig('usual'));
    writeFileSync(path('named'), aKubeconfig('named', 'other'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it.each<[string, Parameters<typeof findCluster>[0], Record<string, string>, string]>([
    ['of a kubeconfig that is named', { ...unset, kubeconfig: 'named' }, { KUBECONFIG: 'x' }, 'https://named:6443'],
    ['of a context that is named', { kubeconfig: 'named', kubernetesContext: 'other' }, {}, 'https://other:6443'],
    ['of KUBECONFIG', unset, { KUBECONFIG: 'named' }, 'https://named:6443'],
    ['of the kubeconfig at its usual place', unset, {}, 'https://usual:6443'],
    [
      'of that too when a context is named in a pod',
      { ...unset, kubernetesContext: 'usual' },
      { KUBERNETES_SERVICE_HOST: 'h' },
      'https://usual:6443',
    ],
  ])('is that %s', async (_, given, variables, server) => {
    const { kubeconfig } = given;
    const { KUBECONFIG } = variables;
    const cluster = await findCluster(
      { ...given, kubeconfig: kubeconfig === undefined ? undefined : path(kubeconfig) },
      { variables: { ...variables, ...(KUBECONFIG === undefined ? {} : { KUBECONFIG: path(KUBECONFIG) }) }, home },
    );
    expect(cluster.server).toBe(server);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'is nowhere',
      {},
      /^no cluster was found: .* there is no \/nowhere\/.kube\/config: name a kubeconfig by --kubeconfig$/,
    ],
    ['is in a file that is missing', { KUBECONFIG: '/nowhere/else' }, /^the kubeconfig \/nowhere\/else cannot be read/],
    ['is in none of several files', { KUBECONFIG: '/a:/b' }, /^there is no kubeconfig \/a or \/b: name another/],
    ['gives its pod no account', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, /this pod has no service account/],
  ])('that %s is an error that says what to do', async (_, variables, message) => {
    const finding = findCluster(unset, { variables, home: '/nowhere' });
    await expect(finding).rejects.toThrow(message);
    await expect(finding).rejects.toBeInstanceOf(ClusterError);
  });

  it('is that of several files, of which the first that says something counts', async () => {
    writeFileSync(path('first'), JSON.stringify({ 'current-context': 'named' }));
    writeFileSync(path('later'), aKubeconfig('named').replaceAll('https://named', 'https://other'));
    const files = ['first', 'missing', 'named', 'later'].map(path).join(':');
    const cluster = await findCluster(unset, { variables: { KUBECONFIG: files }, home });
    expect(cluster.server).toBe('https://named:6443');
  });

  it('of one of several files that is of no use is an error with the file', async () => {
    writeFileSync(path('bad'), JSON.stringify({ clusters: [{ name: 'c', cluster: { server: 'ftp://x' } }] }));
    const context = { 'current-context': 'd', contexts: [{ name: 'd', context: { cluster: 'c' } }] };
    writeFileSync(path('context'), JSON.stringify(context));
    const variables = { KUBECONFIG: `${path('context')}:${path('bad')}` };
    await expect(findCluster(unset, { variables, home })).rejects.toThrow(
      `${path('bad')}: clusters[0].cluster.server: WEIR2102 "ftp://x" is no address`,
    );
  });

  it('of a kubeconfig that is of no use is an error with the place', async () => {
    const given = { kubeconfig: path('named'), kubernetesContext: 'third' };
    await expect(findCluster(given, { variables: {}, home })).rejects.toThrow(
      'WEIR2102 there is no context third: choose one of named, other',
    );
  });
});
