import { homedir } from 'node:os';
import { Command, Option } from 'commander';
import type { ApiCluster } from '../discovery/kubernetes/api/cluster.ts';
import { describeConfigProblems, readConfig, type Flags } from '../app/config.ts';
import type { Host } from '../app/host.ts';
import { configFile, settingKeys, settings, type Setting, type SettingKey, type Settings } from '../app/settings.ts';
import { weirVersion } from '../app/version.ts';
import type { Addresses } from '../app/weir.ts';
import { createLog, type Log } from '../observe/log.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

export function serveCommand(host: Host): Command {
  const command = new Command('serve')
    .summary('run the control plane')
    .description(
      'Run the control plane until it is told to stop. Once every source has been read it prints one line with its addresses on ' +
        'standard output; the log goes to standard error. Flags win over environment variables, and those over the file.',
    )
    .addHelpText('after', examples);
  for (const key of settingKeys) command.addOption(optionOf(key));
  command.addOption(new Option(`--${configFile.flag} <${configFile.placeholder}>`, configFile.description));
  return command.action(async (flags: Flags) => {
    const result = readConfig({ flags, environment: host.environment });
    if (result.kind === 'invalid') throw new CommandError(exitCodes.usage, describeConfigProblems(result.problems));
    await serve(host, result.settings);
  });
}

const examples = `
Examples:
  weir serve --files mesh --xds-plaintext 127.0.0.1:15010
  weir serve --kubernetes --xds-tls 0.0.0.0:15012 --xds-tls-cert c.pem --xds-tls-key k.pem --xds-tls-client-ca ca.pem
  weir serve --files mesh --files shared --admin 127.0.0.1:0 --log-level debug
  WEIR_FILES=mesh,shared weir serve --config weir.yaml

A file of settings:
  files: [mesh, shared]
  xdsPlaintext: 127.0.0.1:15010
  logLevel: warn`;

function optionOf(key: SettingKey): Option {
  const setting: Setting<unknown> = settings[key];
  const { flag, placeholder, variable, description } = setting;
  const facts = [...(setting.default === undefined ? [] : [`default: ${setting.default}`]), `env: ${variable}`];
  const value = placeholder === undefined ? '' : ` <${placeholder}>`;
  return new Option(`--${flag}${value}`, `${description} (${facts.join(', ')})`);
}

async function serve(host: Host, config: Settings): Promise<void> {
  if (config.files === undefined && config.kubernetes !== true && config.nacos === undefined) {
    const { files, kubernetes, nacos } = settings;
    throw new CommandError(
      exitCodes.usage,
      `there is nothing to serve: name directories of YAML by --${files.flag} or ${files.variable}, ` +
        `or read a cluster by --${kubernetes.flag} or ${kubernetes.variable}=true, ` +
        `or a Nacos by --${nacos.flag} or ${nacos.variable}`,
    );
  }
  const { nacosHosts, nacosGroups } = config;
  if (nacosHosts === 'kubernetes' && (nacosGroups.length > 1 || nacosGroups.includes('*'))) {
    throw new CommandError(
      exitCodes.usage,
      `--${settings.nacosHosts.flag} kubernetes leaves no room for the group in the name of a service: name one group by --${settings.nacosGroups.flag}`,
    );
  }
  const log = logTo(host, config);
  // Everything that serves is loaded only here, so that the other commands start quickly.
  const [{ runWeir }, cluster] = await Promise.all([import('../app/weir.ts'), clusterOf(host, config)]);
  host.onCrash((error) => {
    log.error('a bug of Weir ends it', { error, stack: error instanceof Error ? error.stack : undefined });
  });
  const signal = host.untilStopped((name) => log.info('stopping', { signal: name }));
  log.info('starting', { version: weirVersion });
  try {
    await runWeir(
      {
        settings: config,
        cluster,
        variables: host.environment,
        version: weirVersion,
        log,
        onReady: (addresses) => host.out.write(`${readyLine(addresses)}\n`),
      },
      signal,
    );
  } catch (error) {
    throw await explained(error);
  }
  log.info('stopped');
}

/** undefined: no cluster is to be read. */
async function clusterOf({ environment }: Host, config: Settings): Promise<ApiCluster | undefined> {
  if (config.kubernetes !== true) return undefined;
  const { ClusterError, findCluster } = await import('../app/kubernetes-cluster.ts');
  try {
    return await findCluster(config, { variables: environment, home: environment['HOME'] ?? homedir() });
  } catch (error) {
    throw error instanceof ClusterError ? new CommandError(exitCodes.failure, error.message, error) : error;
  }
}

function readyLine({ xdsPlaintext, xdsTls, admin, webhook }: Addresses): string {
  const xds = [
    ...(xdsPlaintext === undefined ? [] : [`xds ${xdsPlaintext} (plaintext)`]),
    ...(xdsTls === undefined ? [] : [`xds ${xdsTls} (TLS)`]),
  ];
  const reviews = webhook === undefined ? '' : `, webhook https://${webhook}`;
  return `weir ready: ${xds.length === 0 ? 'xds off' : xds.join(', ')}, admin http://${admin}${reviews}`;
}

function logTo({ err, now }: Host, { logLevel, logFormat }: Settings): Log {
  const format = logFormat === 'auto' ? (err.isTerminal ? 'text' : 'json') : logFormat;
  return createLog({ level: logLevel, format, colours: err.colours, now, write: err.write });
}

/** What the outside world is to blame for gets an exit status and a sentence; a bug stays what it is. */
async function explained(error: unknown): Promise<unknown> {
  const [{ AdminListenError }, { ListenError }, { WebhookListenError }, { TlsFileError }, { DirectoryError }] =
    await Promise.all([
      import('../admin/server.ts'),
      import('../xds/transport/listener.ts'),
      import('../inject/webhook-server.ts'),
      import('../app/tls-files.ts'),
      import('../discovery/file/directory-error.ts'),
    ]);
  const [{ AuthorityError }, { StoreError }, { StateDirError }] = await Promise.all([
    import('../identity/signer.ts'),
    import('../identity/authority-store.ts'),
    import('../app/registry-layers.ts'),
  ]);
  if (error instanceof DirectoryError) {
    return new CommandError(exitCodes.failure, `${error.message}: ${error.advice}`, error);
  }
  if (error instanceof AuthorityError || error instanceof StoreError) {
    return new CommandError(exitCodes.failure, `the certificate authority: ${error.message}`, error);
  }
  if (error instanceof StateDirError) return new CommandError(exitCodes.failure, error.message, error);
  if (error instanceof TlsFileError) return new CommandError(exitCodes.failure, error.message, error);
  const isTaken = [AdminListenError, ListenError, WebhookListenError].some((kind) => error instanceof kind);
  if (error instanceof Error && isTaken) {
    const advice = 'give another address, or stop what uses it';
    return new CommandError(exitCodes.unavailable, `${error.message}: ${advice}`, error);
  }
  return error;
}
