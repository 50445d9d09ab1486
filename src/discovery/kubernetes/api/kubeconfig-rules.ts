import type { Violation } from '../../../model/provenance.ts';
import { errorAt } from '../objects/violations.ts';
import type { ChosenContext, ClusterForm, UserForm } from './kubeconfig-form.ts';

/**
 * Fields by which a kubeconfig that somebody else wrote could run programs here, read files here, make us speak to whoever
 * answers, or have us connect to where its author cannot (K115).
 */
export function unsafeFields({ cluster, clusterPath, user, userPath }: ChosenContext): readonly Violation[] {
  const inline = (field: string): string => `put the content into ${field}`;
  return [
    ...forbidden(cluster, clusterPath, [
      ['certificate-authority', 'is a file of this machine', inline('certificate-authority-data')],
      ['insecure-skip-tls-verify', 'trusts whoever answers', 'remove it, and give certificate-authority-data'],
      ['proxy-url', 'has this machine connect elsewhere', 'make the server reachable without a proxy'],
    ]),
    ...withoutTls(cluster, clusterPath),
    ...forbidden(user, userPath, [
      ['exec', 'runs a program on this machine', 'use a token or a client certificate'],
      ['auth-provider', 'runs code on this machine', 'use a token or a client certificate'],
      ['client-certificate', 'is a file of this machine', inline('client-certificate-data')],
      ['client-key', 'is a file of this machine', inline('client-key-data')],
      ['tokenFile', 'is a file of this machine', inline('token')],
    ]),
  ];
}

/** Fields that mean something which is not done: better no connection than one as somebody else, or by another way. */
export function unsupportedFields({ cluster, clusterPath, user, userPath }: ChosenContext): readonly Violation[] {
  const asWhom = 'remove it, and give Weir an account of its own';
  return [
    ...unusableProxy(cluster, clusterPath),
    ...notSupported(user, userPath, 'as', asWhom),
    ...notSupported(user, userPath, 'as-uid', asWhom),
    ...notSupported(user, userPath, 'as-groups', asWhom),
    ...notSupported(user, userPath, 'as-user-extra', asWhom),
  ];
}

type Rule<Form> = readonly [field: keyof Form & string, danger: string, advice: string];

function forbidden<Form extends object>(form: Form, path: string, rules: readonly Rule<Form>[]): readonly Violation[] {
  return rules.flatMap(([field, danger, advice]) =>
    isSet(form[field])
      ? [errorAt('WEIR2101', `${path}.${field}`, `${field} ${danger}, which is not allowed here`, advice)]
      : [],
  );
}

function withoutTls({ server }: ClusterForm, path: string): readonly Violation[] {
  if (server.startsWith('https://')) return [];
  const message = `the server ${server} is not asked over TLS, which is not allowed here`;
  return [errorAt('WEIR2101', `${path}.server`, message, 'use an https:// address')];
}

/** Of proxies those of HTTP are used, and TLS goes through them to the server itself. */
function unusableProxy(cluster: ClusterForm, path: string): readonly Violation[] {
  const { 'proxy-url': proxy, server } = cluster;
  if (!isSet(proxy)) return [];
  const wrong = (message: string, advice: string) => [errorAt('WEIR2102', `${path}.proxy-url`, message, advice)];
  if (!/^https?:$/.test(URL.parse(proxy ?? '')?.protocol ?? '')) {
    return wrong(`${JSON.stringify(proxy)} is no address of an HTTP proxy`, 'write it like http://10.0.0.1:3128');
  }
  if (server.startsWith('https://')) return [];
  return wrong('a server without TLS cannot be reached through a proxy', 'use an https:// address, or no proxy');
}

function notSupported<Form extends ClusterForm | UserForm>(
  form: Form,
  path: string,
  field: keyof Form & string,
  advice: string,
): readonly Violation[] {
  if (!isSet(form[field])) return [];
  return [errorAt('WEIR2102', `${path}.${field}`, `${field} is not supported`, advice)];
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== false;
}
