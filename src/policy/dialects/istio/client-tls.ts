import type { ClientTls } from '../../../model/traffic-policy.ts';
import { quote } from './field-path.ts';
import type { Reading } from './reading.ts';
import type { ClientTlsSpec } from './schemas/destination-rule.ts';
import { checkLine, itemsOf } from './values.ts';

/** Where the settings stand, as far as checks depend on it. */
export interface TlsPlace {
  /** Whether they are those of one port. */
  readonly ofPort: boolean;
  /** Whether the rule is for some clients only. */
  readonly selected: boolean;
}

/** Transport security asked of clients (policy D15). */
export function decodeClientTls(spec: ClientTlsSpec, path: string, reading: Reading, place: TlsPlace): ClientTls {
  const names = itemsOf(spec.subjectAltNames, `${path}.subjectAltNames`);
  for (const { item, at } of names) {
    if (item === '') reading.error('WEIR1005', at, 'the name is empty', 'write the name that the certificate carries');
    else checkLine(item, at, reading);
  }
  const tls: ClientTls = {
    mode: modes[spec.mode ?? 'DISABLE'],
    sni: spec.sni ?? '',
    subjectAltNames: names.map(({ item }) => item),
    caCertificates: spec.caCertificates ?? '',
    clientCertificate: spec.clientCertificate ?? '',
    privateKey: spec.privateKey ?? '',
    credentialName: spec.credentialName ?? '',
    insecureSkipVerify: spec.insecureSkipVerify ?? false,
  };
  checkServerName(tls.sni, `${path}.sni`, reading);
  if (spec.caCrl !== undefined && spec.caCrl !== '') {
    reading.notInForce(`${path}.caCrl`, 'revoked certificates are accepted until they expire');
  }
  for (const field of files) checkLine(tls[field], `${path}.${field}`, reading);
  switch (tls.mode) {
    case 'istio-mutual':
    case 'disable':
      checkUnused(tls, path, reading);
      break;
    case 'simple':
    case 'mutual':
      checkCertificates(tls, path, reading);
      reportCredential(tls, path, reading, place);
      reportTrust(tls, path, reading, place);
      break;
  }
  return tls;
}

const modes: Readonly<Record<NonNullable<ClientTlsSpec['mode']>, ClientTls['mode']>> = {
  DISABLE: 'disable',
  SIMPLE: 'simple',
  MUTUAL: 'mutual',
  ISTIO_MUTUAL: 'istio-mutual',
};

const files = ['clientCertificate', 'privateKey', 'caCertificates'] as const;

function checkServerName(sni: string, path: string, reading: Reading): void {
  if (Buffer.byteLength(sni) > 255) {
    reading.error('WEIR1010', path, `the server name ${quote(sni)} is longer than 255 bytes`, 'shorten it');
  } else checkLine(sni, path, reading);
}

/** Modes that take everything from elsewhere, or need nothing. */
function checkUnused(tls: ClientTls, path: string, reading: Reading): void {
  for (const field of [...files, 'credentialName'] as const) {
    if (tls[field] === '') continue;
    const message = `${field} does nothing with mode ${tls.mode === 'disable' ? 'DISABLE' : 'ISTIO_MUTUAL'}`;
    reading.warn('WEIR1021', `${path}.${field}`, message, `remove ${field}, or use SIMPLE or MUTUAL`);
  }
}

function checkCertificates(tls: ClientTls, path: string, reading: Reading): void {
  if (tls.credentialName !== '') {
    for (const field of files.filter((name) => tls[name] !== '')) {
      const message = `${field} and credentialName exclude each other`;
      reading.error('WEIR1207', `${path}.${field}`, message, `remove ${field} or credentialName`);
    }
  } else if (tls.mode === 'mutual') {
    for (const field of ['clientCertificate', 'privateKey'] as const) {
      if (tls[field] !== '') continue;
      reading.error('WEIR1207', `${path}.${field}`, `MUTUAL needs ${field}`, `add ${field}, or use SIMPLE`);
    }
  }
  if (!tls.insecureSkipVerify) return;
  const checks = { caCertificates: tls.caCertificates !== '', subjectAltNames: tls.subjectAltNames.length > 0 };
  for (const [field, set] of Object.entries(checks)) {
    if (!set) continue;
    const message = `${field} asks for a check that insecureSkipVerify switches off`;
    reading.error('WEIR1207', `${path}.${field}`, message, `remove ${field} or insecureSkipVerify`);
  }
}

function reportCredential(tls: ClientTls, path: string, reading: Reading, place: TlsPlace): void {
  if (tls.credentialName === '') return;
  const consequence = place.selected
    ? 'secrets are not delivered to sidecars'
    : 'sidecars take it only with workloadSelector';
  reading.notInForce(`${path}.credentialName`, `${consequence}; certificates from files are in force`);
}

/** Policy P419. */
function reportTrust(tls: ClientTls, path: string, reading: Reading, place: TlsPlace): void {
  if (tls.caCertificates !== '' || tls.credentialName !== '' || tls.insecureSkipVerify) return;
  const message = 'without caCertificates the server is trusted if any public authority signed its certificate';
  reading.warn(
    place.ofPort ? 'IST0129' : 'IST0128',
    path,
    message,
    'set caCertificates if you have an authority of your own',
  );
}
