import type { NacosConnection } from './connection.ts';
import { isMessage, listField, textField, type JsonMessage } from './json-message.ts';
import { NacosError } from './nacos-error.ts';

/** A text in Nacos' store of configurations. */
export interface ConfigName {
  readonly dataId: string;
  readonly group: string;
}

export interface NacosConfig {
  readonly name: ConfigName;
  /** undefined: there is none of that name. */
  readonly content: string | undefined;
}

/** What the answer to a question after a config that is not there says (Nacos' own word for it is 300). */
const absentCode = 300;

/**
 * Reads a config.
 *
 * @param tenant the namespace's id; empty for the default one (registries N22, N34)
 * @throws NacosError
 */
export async function readConfig(connection: NacosConnection, tenant: string, name: ConfigName): Promise<NacosConfig> {
  const { dataId, group } = name;
  const subject = { kind: 'config', tenant, group } as const;
  try {
    const answer = await connection.request(
      'ConfigQueryRequest',
      { dataId, group, tenant, module: 'config' },
      { subject },
    );
    const content = textField(answer, 'content');
    if (content === undefined) throw new NacosError('malformed', `Nacos gives the config ${dataId} without content`);
    return { name, content };
  } catch (error) {
    const isAbsent = error instanceof NacosError && error.code === absentCode && /not exist/i.test(error.message);
    if (isAbsent) return { name, content: undefined };
    throw error;
  }
}

/** A config that is followed, and what is known of it. */
export interface ListenedConfig extends ConfigName {
  /** MD5 of the content as hexadecimal digits; empty: it is not there, as far as is known. */
  readonly md5: string;
}

/**
 * Follows configs: from now on the server says when one changes.
 *
 * @returns those that are different already
 * @throws NacosError
 */
export async function listenToConfigs(
  connection: NacosConnection,
  tenant: string,
  configs: readonly ListenedConfig[],
): Promise<readonly ConfigName[]> {
  const configListenContexts = configs.map(({ dataId, group, md5 }) => ({ dataId, group, tenant, md5 }));
  const answer = await connection.request('ConfigBatchListenRequest', {
    listen: true,
    configListenContexts,
    module: 'config',
  });
  return (listField(answer, 'changedConfigs') ?? []).flatMap((changed) => (isMessage(changed) ? nameOf(changed) : []));
}

/** The config of a `ConfigChangeNotifyRequest`; undefined when it names none. */
export function changedConfig(message: JsonMessage): ConfigName | undefined {
  return nameOf(message)[0];
}

function nameOf(message: JsonMessage): readonly ConfigName[] {
  const dataId = textField(message, 'dataId');
  const group = textField(message, 'group');
  return dataId === undefined || group === undefined ? [] : [{ dataId, group }];
}
