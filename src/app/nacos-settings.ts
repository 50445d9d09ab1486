import { z } from 'zod';
import { parseCidr, type Cidr } from '../model/cidr.ts';
import { labelOf } from '../discovery/nacos/rows/host-name.ts';
import type { FollowedNamespace } from '../discovery/nacos/nacos-source.ts';
import type { NacosServer } from '../discovery/nacos/client/servers.ts';
import { parseSocketAddress } from './listen-address.ts';
import { dnsLabel, duration, filePath, onOff } from './setting-schemas.ts';
import type { Setting } from './settings.ts';

/** Settings of Nacos as a source. */

/** A list of the file, or text whose parts are separated by commas. */
const list = z
  .union([z.string(), z.array(z.string())], { error: 'must be a text or a list of texts' })
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .pipe(z.array(z.string().trim().min(1, { error: 'must not have empty parts' })).min(1));

const usualPort = 8848;

const servers = list.pipe(
  z.array(
    z.string().transform((text, context): NacosServer => {
      const address = parseSocketAddress(/:\d+$/.test(text) ? text : `${text}:${usualPort}`);
      if (address !== undefined) return address;
      context.addIssue({
        code: 'custom',
        message: `must be HOST or HOST:PORT, and ${JSON.stringify(text)} is neither`,
      });
      return z.NEVER;
    }),
  ),
);

const namespaces = list.pipe(
  z.array(
    z.string().transform((text, context): FollowedNamespace => {
      const [id = '', meshNamespace = labelOf(id), ...rest] = text.split('=');
      if (id !== '' && dnsLabel.test(meshNamespace) && rest.length === 0) return { id, meshNamespace };
      const message = `must be ID or ID=NAMESPACE, and ${JSON.stringify(text)} is neither`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }),
  ),
);

const addresses = list.pipe(
  z.array(
    z.string().transform((text, context): Cidr => {
      const block = parseCidr(text);
      if (block !== undefined) return block;
      const message = `must be addresses or blocks of them such as 10.0.0.0/8, and ${JSON.stringify(text)} is neither`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }),
  ),
);

const offset = z
  .string()
  .regex(/^-?\d{1,5}$/, { error: 'must be a whole number' })
  .transform(Number);

const concurrency = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, { error: 'must be a whole number from 1 to 9999' })
  .transform(Number);

const path = z.string().regex(/^(\/[\w.-]+)*$/, { error: 'must be a path such as /nacos, or empty' });

const name = z.string().min(1, { error: 'must not be empty' });

export const nacosSettings = {
  nacos: {
    schema: servers,
    flag: 'nacos',
    placeholder: 'HOST:PORT...',
    variable: 'WEIR_NACOS',
    default: undefined,
    description:
      'read services from a Nacos of version 2 or later: the addresses of its servers; port 8848 where none is given',
  },
  nacosNamespaces: {
    schema: namespaces,
    flag: 'nacos-namespaces',
    placeholder: 'ID[=NAMESPACE]...',
    variable: 'WEIR_NACOS_NAMESPACES',
    default: 'public',
    description:
      'namespaces of Nacos by id, and the namespace of the mesh that the services of each are in; default: one of the same name',
  },
  nacosGroups: {
    schema: list,
    flag: 'nacos-groups',
    placeholder: 'NAME...',
    variable: 'WEIR_NACOS_GROUPS',
    default: 'DEFAULT_GROUP',
    description: 'groups of services that are read; `*` stands for all, which servers from 3.0 on can tell',
  },
  nacosUsername: {
    schema: name,
    flag: 'nacos-username',
    placeholder: 'NAME',
    variable: 'WEIR_NACOS_USERNAME',
    default: undefined,
    description: 'account that Weir logs in with at Nacos',
  },
  nacosPasswordFile: {
    schema: filePath,
    flag: 'nacos-password-file',
    placeholder: 'FILE',
    variable: 'WEIR_NACOS_PASSWORD_FILE',
    default: undefined,
    description: 'file with the password of that account; read again at each login',
  },
  nacosAccessKey: {
    schema: name,
    flag: 'nacos-access-key',
    placeholder: 'ID',
    variable: 'WEIR_NACOS_ACCESS_KEY',
    default: undefined,
    description: 'id of an access key with which requests to Nacos are signed, in place of a login',
  },
  nacosSecretKeyFile: {
    schema: filePath,
    flag: 'nacos-secret-key-file',
    placeholder: 'FILE',
    variable: 'WEIR_NACOS_SECRET_KEY_FILE',
    default: undefined,
    description: 'file with the secret of that access key; read at the start',
  },
  nacosTls: {
    schema: onOff,
    flag: 'nacos-tls',
    placeholder: undefined,
    variable: 'WEIR_NACOS_TLS',
    default: undefined,
    description: 'speak TLS with Nacos, by gRPC and by HTTP',
  },
  nacosTlsCa: {
    schema: filePath,
    flag: 'nacos-tls-ca',
    placeholder: 'FILE',
    variable: 'WEIR_NACOS_TLS_CA',
    default: undefined,
    description:
      "PEM file of the authorities of Nacos' certificates, in place of those of the system; read for each connection",
  },
  nacosTlsCert: {
    schema: filePath,
    flag: 'nacos-tls-cert',
    placeholder: 'FILE',
    variable: 'WEIR_NACOS_TLS_CERT',
    default: undefined,
    description: 'PEM file of the certificate that Weir shows to Nacos; read for each connection',
  },
  nacosTlsKey: {
    schema: filePath,
    flag: 'nacos-tls-key',
    placeholder: 'FILE',
    variable: 'WEIR_NACOS_TLS_KEY',
    default: undefined,
    description: 'PEM file of the private key of that certificate; read for each connection',
  },
  nacosHosts: {
    schema: z.enum(['nacos', 'kubernetes'], { error: 'must be nacos or kubernetes' }),
    flag: 'nacos-hosts',
    placeholder: 'FORM',
    variable: 'WEIR_NACOS_HOSTS',
    default: 'nacos',
    description:
      'host names of its services: nacos (SERVICE.GROUP.ID.nacos), or kubernetes (SERVICE.NAMESPACE.svc.DOMAIN), by which a service that runs in ' +
      'both has the instances of both; with kubernetes of one group only',
  },
  nacosAddresses: {
    schema: addresses,
    flag: 'nacos-addresses',
    placeholder: 'CIDR...',
    variable: 'WEIR_NACOS_ADDRESSES',
    default: undefined,
    description:
      'take only instances with these addresses; default: all but loopback, link-local, multicast and unspecified ones',
  },
  nacosContextPath: {
    schema: path,
    flag: 'nacos-context-path',
    placeholder: 'PATH',
    variable: 'WEIR_NACOS_CONTEXT_PATH',
    default: '/nacos',
    description: "what stands before the paths of Nacos' HTTP API, by which logins go",
  },
  nacosGrpcPortOffset: {
    schema: offset,
    flag: 'nacos-grpc-port-offset',
    placeholder: 'N',
    variable: 'WEIR_NACOS_GRPC_PORT_OFFSET',
    default: '1000',
    description: "by how much Nacos' port of gRPC is above the one that --nacos names",
  },
  nacosListPeriod: {
    schema: duration,
    flag: 'nacos-list-period',
    placeholder: 'DURATION',
    variable: 'WEIR_NACOS_LIST_PERIOD',
    default: '10s',
    description: 'time between two questions after the services that there are; what is behind them is told at once',
  },
  nacosAuditPeriod: {
    schema: duration,
    flag: 'nacos-audit-period',
    placeholder: 'DURATION',
    variable: 'WEIR_NACOS_AUDIT_PERIOD',
    default: '5m',
    description: 'time in which every service is read again once, although Nacos says that nothing has changed',
  },
  nacosConcurrency: {
    schema: concurrency,
    flag: 'nacos-concurrency',
    placeholder: 'N',
    variable: 'WEIR_NACOS_CONCURRENCY',
    default: '200',
    description: 'requests to Nacos that are on their way at once, for each namespace',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

/** Settings that mean something only together. */
export const nacosSettingsThatBelongTogether = [
  ['nacosUsername', 'nacosPasswordFile'],
  ['nacosAccessKey', 'nacosSecretKeyFile'],
  ['nacosTlsCert', 'nacosTlsKey'],
] as const;

/** Settings that mean something only beside another one. */
export const nacosSettingsThatNeedAnother = {
  nacosUsername: 'nacos',
  nacosAccessKey: 'nacos',
  nacosTls: 'nacos',
  nacosTlsCa: 'nacosTls',
  nacosTlsCert: 'nacosTls',
  nacosAddresses: 'nacos',
} as const;
