import { InvalidArgumentError, Option } from 'commander';
import type { Host } from '../app/host.ts';
import type { AuthorityStore } from '../identity/authority-store.ts';
import { clusterOptions, withCluster, type ClusterFlags } from './cluster.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The store of the certificate authority that a command works on: whoever can read and write it is the operator of the mesh. */

interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

export interface StoreFlags extends ClusterFlags {
  readonly caDir?: string;
  readonly caSecret?: NamespacedName;
}

export function storeOptions(): readonly Option[] {
  return [
    new Option('--ca-dir <DIR>', 'directory of the authority, as in `weir serve`'),
    new Option('--ca-secret <NAMESPACE/NAME>', 'Secret of the authority, as in `weir serve`')
      .argParser(namespacedNameArgument)
      .conflicts('caDir'),
    ...clusterOptions(),
  ];
}

/** @throws CommandError when there is no such store, or what is in it is of no use */
export async function withStore(
  host: Host,
  flags: StoreFlags,
  work: (store: AuthorityStore) => Promise<void>,
): Promise<void> {
  const { caDir, caSecret } = flags;
  if (caDir === undefined && caSecret === undefined) {
    throw new CommandError(exitCodes.usage, 'say where the authority is, by --ca-dir or --ca-secret');
  }
  const { authorityStoreOf } = await import('../app/authority.ts');
  const open = async (store: AuthorityStore | undefined): Promise<void> => {
    if (store !== undefined) await explained(work(store));
  };
  if (caDir !== undefined) return open(authorityStoreOf({ caDir, caSecret: undefined }, undefined));
  return withCluster(host, flags, (client) => open(authorityStoreOf({ caDir: undefined, caSecret }, client)));
}

async function explained(work: Promise<void>): Promise<void> {
  const [{ AuthorityError }, { StoreError }] = await Promise.all([
    import('../identity/signer.ts'),
    import('../identity/authority-store.ts'),
  ]);
  try {
    await work;
  } catch (error) {
    if (error instanceof AuthorityError) throw new CommandError(exitCodes.failure, error.message, error);
    throw error instanceof StoreError ? new CommandError(exitCodes.unavailable, error.message, error) : error;
  }
}

function namespacedNameArgument(text: string): NamespacedName {
  const [, namespace, name] = /^([a-z0-9][-a-z0-9]*)\/([a-z0-9][-a-z0-9.]*)$/.exec(text) ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  throw new InvalidArgumentError('It must be NAMESPACE/NAME, for example weir-system/weir-ca.');
}
