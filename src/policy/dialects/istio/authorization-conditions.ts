import type { AddressSubject, Condition, TextMatch, TextSubject } from '../../../model/authorization.ts';
import {
  readAccount,
  readAddressBlock,
  readIdentity,
  readIdentityPart,
  readPath,
  readPort,
  readText,
  type ReadValue,
} from './authorization-values.ts';
import { quote } from './field-path.ts';
import type { Reading } from './reading.ts';
import type { OperationSpec, SourceSpec, WhenSpec } from './schemas/authorization-policy.ts';
import { itemsOf } from './values.ts';

/** The conditions of an AuthorizationPolicy: fields of sources and operations, and the keys of `when` (policy Z1 to Z15). */

/** The values that are allowed, or that are not. */
interface Values {
  readonly list: readonly (string | undefined)[] | undefined;
  readonly negated: boolean;
  readonly field: string;
}

type Make = (values: Values, reading: Reading) => Condition | undefined;

export function decodeSource(spec: SourceSpec, path: string, reading: Reading): readonly Condition[] {
  return decodeFields(
    path,
    [
      [spec, 'principals', 'notPrincipals', ofText({ kind: 'principal' }, readIdentity)],
      [spec, 'requestPrincipals', 'notRequestPrincipals', ofText({ kind: 'token-principal' })],
      [spec, 'namespaces', 'notNamespaces', ofText({ kind: 'namespace' }, readIdentityPart)],
      [spec, 'serviceAccounts', 'notServiceAccounts', ofAccounts],
      [spec, 'trustDomains', 'notTrustDomains', ofText({ kind: 'trust-domain' }, readIdentityPart)],
      [spec, 'ipBlocks', 'notIpBlocks', ofAddresses('peer')],
      [spec, 'remoteIpBlocks', 'notRemoteIpBlocks', ofAddresses('client')],
    ],
    reading,
  );
}

export function decodeOperation(spec: OperationSpec, path: string, reading: Reading): readonly Condition[] {
  return decodeFields(
    path,
    [
      [spec, 'hosts', 'notHosts', ofText({ kind: 'host' })],
      [spec, 'ports', 'notPorts', ofPorts],
      [spec, 'methods', 'notMethods', ofText({ kind: 'method' })],
      [spec, 'paths', 'notPaths', ofPaths],
    ],
    reading,
  );
}

export function decodeWhen(spec: WhenSpec, path: string, reading: Reading): readonly Condition[] {
  const { key } = spec;
  if (key === undefined || key === '') {
    reading.error('WEIR1005', `${path}.key`, 'the condition has no key', 'name what is looked at');
    return [];
  }
  const make = conditionOfKey(key);
  if (make === undefined) {
    const message = `${quote(key)} is nothing that can be looked at`;
    const advice = `use one of ${[...plainKeys.keys()].join(', ')}, request.headers[NAME], request.auth.claims[NAME]`;
    reading.error('WEIR1504', `${path}.key`, message, advice);
    return [];
  }
  if (spec.values === undefined && spec.notValues === undefined) {
    reading.error('WEIR1005', path, 'the condition has no values', 'add values or notValues');
  }
  return decodeFields(path, [[spec, 'values', 'notValues', make]], reading);
}

/** A list of values, the list of those that are not wanted, and the condition that they are. */
type Pair<Name extends string> = readonly [
  spec: { readonly [Field in Name]?: readonly (string | undefined)[] | undefined },
  field: Name,
  notField: Name,
  make: Make,
];

function decodeFields<Name extends string>(
  path: string,
  pairs: readonly Pair<Name>[],
  reading: Reading,
): readonly Condition[] {
  return pairs.flatMap(([spec, field, notField, make]) =>
    [
      { list: spec[field], negated: false, field: `${path}.${field}` },
      { list: spec[notField], negated: true, field: `${path}.${notField}` },
    ].flatMap((values) => {
      if (values.list === undefined) return [];
      const condition = make(values, reading);
      return condition === undefined ? [] : [condition];
    }),
  );
}

const plainKeys: ReadonlyMap<string, Make> = new Map([
  ['source.ip', ofAddresses('peer')],
  ['remote.ip', ofAddresses('client')],
  ['source.namespace', ofText({ kind: 'namespace' }, readIdentityPart)],
  ['source.serviceAccount', ofAccounts],
  ['source.trustDomain', ofText({ kind: 'trust-domain' }, readIdentityPart)],
  ['source.principal', ofText({ kind: 'principal' }, readIdentity)],
  ['request.auth.principal', ofText({ kind: 'token-principal' })],
  ['request.auth.audiences', ofText({ kind: 'claim', path: ['aud'] })],
  ['request.auth.presenter', ofText({ kind: 'claim', path: ['azp'] })],
  ['destination.ip', ofAddresses('destination')],
  ['destination.port', ofPorts],
  ['connection.sni', ofText({ kind: 'server-name' })],
]);

/** Names that proxies take in a comparison, those of pseudo headers included. */
const headerName = /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function conditionOfKey(key: string): Make | undefined {
  const plain = plainKeys.get(key);
  if (plain !== undefined) return plain;
  const [, base = '', brackets = ''] = /^([^[\]]+)((?:\[[^[\]]+\])+)$/.exec(key) ?? [];
  const names = [...brackets.matchAll(/\[([^[\]]+)\]/g)].map(([, name = '']) => name);
  const [first = '', ...more] = names;
  if (base === 'request.headers' && names.length === 1 && headerName.test(first))
    return ofText({ kind: 'header', name: first.toLowerCase() });
  if (base === 'request.auth.claims' && names.length > 0) return ofText({ kind: 'claim', path: [first, ...more] });
  if (base.startsWith('experimental.envoy.filters.') && names.length > 0) {
    return ofText({ kind: 'filter-metadata', filter: base.slice('experimental.'.length), path: names });
  }
  return undefined;
}

function ofText(subject: TextSubject, read: ReadValue<TextMatch> = readText): Make {
  return ({ list, negated, field }, reading) => {
    const matches = readAll(list, read, field, reading);
    return matches && { kind: 'text', subject, matches, negated, field };
  };
}

function ofAddresses(subject: AddressSubject): Make {
  return ({ list, negated, field }, reading) => {
    const matches = readAll(list, readAddressBlock, field, reading);
    return matches && { kind: 'address', subject, matches, negated, field };
  };
}

function ofAccounts({ list, negated, field }: Values, reading: Reading): Condition | undefined {
  const matches = readAll(list, readAccount, field, reading);
  return matches && { kind: 'account', matches, negated, field };
}

function ofPaths({ list, negated, field }: Values, reading: Reading): Condition | undefined {
  const matches = readAll(list, readPath, field, reading);
  return matches && { kind: 'path', matches, negated, field };
}

function ofPorts({ list, negated, field }: Values, reading: Reading): Condition | undefined {
  const matches = readAll(list, readPort, field, reading);
  return matches && { kind: 'port', matches, negated, field };
}

/** A list without values says nothing, where a restriction was meant. */
function readAll<Match>(
  list: Values['list'],
  read: ReadValue<Match>,
  field: string,
  reading: Reading,
): readonly Match[] | undefined {
  if (list?.length === 0) {
    reading.error('WEIR1005', field, 'the list is empty', 'add values, or remove the field');
    return undefined;
  }
  return itemsOf(list, field).flatMap(({ item, at }) => {
    if (item === '') {
      reading.error('WEIR1005', at, 'the value is empty', 'write a value; * stands for any');
      return [];
    }
    const match = read(item, at, reading);
    return match === undefined ? [] : [match];
  });
}
