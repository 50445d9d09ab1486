import { z } from 'zod';
import { logLevels } from '../observe/log.ts';
import { isLoopback, parseSocketAddress, type SocketAddress } from './listen-address.ts';

/**
 * Every setting of `weir serve`, in one table: flags, environment variables, keys of the configuration file, `--help`, defaults
 * and the table in `docs/configuration.md` are made from it.
 */

export interface Setting<Value> {
  /** What the user writes -> the value. Text from flags and the environment, text, numbers or lists from the file. */
  readonly schema: z.ZodType<Value>;
  readonly flag: string;
  /** What stands for the value in `--help`, for example `HOST:PORT`; a list ends in `...`. */
  readonly placeholder: string;
  readonly variable: string;
  /** As the user would write it; undefined: unset. */
  readonly default: string | undefined;
  readonly description: string;
}

const socketAddress = z.string().transform((text, context): SocketAddress => {
  const address = parseSocketAddress(text);
  if (address !== undefined) return address;
  context.addIssue({ code: 'custom', message: 'must be HOST:PORT, for example 127.0.0.1:15014 or [::1]:15014' });
  return z.NEVER;
});

const loopbackAddress = socketAddress.refine(isLoopback, {
  error:
    'must be an address of this machine alone, such as 127.0.0.1:15010, because plaintext xDS tells whoever connects all about the mesh',
});

/** A list of the file, or text from a flag or the environment whose parts are separated by commas. */
const paths = z
  .union([z.string(), z.array(z.string())], { error: 'must be a directory or a list of directories' })
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .pipe(z.array(z.string().trim().min(1, { error: 'must not be empty' })).min(1, { error: 'must name a directory' }));

const domainName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, { error: 'must be a DNS name' });

export const settings = {
  files: {
    schema: paths,
    flag: 'files',
    placeholder: 'DIR...',
    variable: 'WEIR_FILES',
    default: undefined,
    description:
      'directories of YAML that are the mesh; sub-directories are read as well, and changes take effect at once',
  },
  xdsPlaintext: {
    schema: loopbackAddress,
    flag: 'xds-plaintext',
    placeholder: 'HOST:PORT',
    variable: 'WEIR_XDS_PLAINTEXT',
    default: undefined,
    description:
      'serve xDS without TLS on this address; only addresses of this machine are allowed; port 0 takes a free one',
  },
  domain: {
    schema: domainName,
    flag: 'domain',
    placeholder: 'DOMAIN',
    variable: 'WEIR_DOMAIN',
    default: 'cluster.local',
    description: 'cluster domain, behind `svc.` in the full names of services',
  },
  admin: {
    schema: socketAddress,
    flag: 'admin',
    placeholder: 'HOST:PORT',
    variable: 'WEIR_ADMIN',
    default: '127.0.0.1:15014',
    description: 'address of the admin server (/ready, /status, /metrics); port 0 takes a free one',
  },
  logLevel: {
    schema: z.enum(logLevels, { error: `must be one of ${logLevels.join(', ')}` }),
    flag: 'log-level',
    placeholder: 'LEVEL',
    variable: 'WEIR_LOG_LEVEL',
    default: 'info',
    description: 'least important entries that are logged: error, warn, info or debug',
  },
  logFormat: {
    schema: z.enum(['auto', 'json', 'text'], { error: 'must be one of auto, json, text' }),
    flag: 'log-format',
    placeholder: 'FORMAT',
    variable: 'WEIR_LOG_FORMAT',
    default: 'auto',
    description: 'json, text, or auto: text on a terminal and JSON elsewhere; the log is always on standard error',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

export type SettingKey = keyof typeof settings;

export const settingKeys = Object.keys(settings) as readonly SettingKey[];

/** The flag and the variable that name a file of settings; it cannot itself be a setting of that file. */
export const configFile = {
  flag: 'config',
  placeholder: 'FILE',
  variable: 'WEIR_CONFIG',
  description: 'YAML or JSON file with settings; flags and environment variables win over it',
} as const;

/** What each setting is once it is read; undefined where it is unset and has no default. */
export type Settings = {
  readonly [Key in SettingKey]:
    | z.output<(typeof settings)[Key]['schema']>
    | (undefined extends (typeof settings)[Key]['default'] ? undefined : never);
};
