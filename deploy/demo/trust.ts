import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from './mesh-folder.ts';
import { weirPrints } from './weir.ts';

/** How the sidecars of the mesh show who they are. */
export interface Trust {
  /** The flags of `weir serve` that say so. */
  readonly flags: readonly string[];
  /** Makes of a file what such a mesh needs. */
  adapt(text: string): string;
  /** The flags of `weir bootstrap` by which a pod's sidecar shows it. */
  credentialsOf(pod: Pod): Promise<readonly string[]>;
}

/** Nobody asks: xDS is served in the clear, on this machine alone. */
export const nobodyAsks: Trust = {
  flags: ['--xds-plaintext', '127.0.0.1:0'],
  adapt: (text) => text,
  credentialsOf: () => Promise.resolve([]),
};

/**
 * By a token that the mesh's own authority has signed, over TLS; certificates come over the same stream.
 *
 * @param folder for the authority, its roots and the tokens
 */
export function byToken(folder: string): Trust {
  const authority = ['--ca-dir', join(folder, 'authority')];
  return {
    flags: ['--xds-tls', '127.0.0.1:0', ...authority],
    adapt: withSidecars,
    async credentialsOf({ name, namespace, account }) {
      await mkdir(join(folder, 'tokens'), { recursive: true });
      const [roots, token] = [join(folder, `${name}-roots.pem`), join(folder, 'tokens', name)];
      const who = ['--namespace', namespace, '--service-account', account, '--instance', name];
      await writeFile(roots, await weirPrints('ca', 'roots', ...authority));
      await writeFile(token, await weirPrints('token', ...authority, ...who), { mode: 0o600 });
      return ['--service-account', account, '--root-certificate', roots, '--token-file', token];
    },
  };
}

/** Says of each pod that it has a sidecar, as the injector would. */
function withSidecars(text: string): string {
  return text.replaceAll(/^(kind: Pod\n(?:.+\n)*?  labels:\n)/gm, '$1    security.istio.io/tlsMode: istio\n');
}
