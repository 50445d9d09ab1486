import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Authority } from '../certificates.ts';

/** Throw-away keys of one API server, in files where its flags want files. */
export interface Keys {
  /** PEM of the authority that signed the API server's certificate. */
  readonly ca: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Signs and checks tokens of service accounts. */
  readonly serviceAccountKeyFile: string;
  /** Bearer token of a user that may do everything. */
  readonly token: string;
  /** Tokens that the API server knows from the start. */
  readonly tokensFile: string;
}

export async function writeKeys(folder: string): Promise<Keys> {
  const authority = new Authority('test cluster');
  const { certificate, key } = authority.issue('kube-apiserver', '127.0.0.1', 'localhost');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const token = randomUUID();
  const write = async (name: string, content: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  return {
    ca: authority.certificate,
    caFile: await write('ca.crt', authority.certificate),
    certificateFile: await write('server.crt', certificate),
    keyFile: await write('server.key', key),
    serviceAccountKeyFile: await write('accounts.key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    token,
    tokensFile: await write('tokens.csv', `${token},admin,admin,system:masters\n`),
  };
}

/** A kubeconfig with one user, in JSON, of which YAML is an extension. */
export function kubeconfigOf(server: string, { ca, token }: Pick<Keys, 'ca' | 'token'>): string {
  const name = 'test';
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}
