import type { MutualTlsMode } from '../../../model/mutual-tls.ts';
import type { DecodedObject, DecodedPeerAuthentication } from './decoded.ts';
import { fieldPath, quote } from './field-path.ts';
import type { Reading } from './reading.ts';
import type { PeerAuthenticationSpec } from './schemas/peer-authentication.ts';
import { decodePort } from './values.ts';
import { decodeWorkloadSelector } from './workload-selector.ts';

/** What a PeerAuthentication says, apart from who wrote it. */
type PeerAuthenticationParts = Omit<DecodedPeerAuthentication, keyof DecodedObject>;

export function decodePeerAuthenticationSpec(spec: PeerAuthenticationSpec, reading: Reading): PeerAuthenticationParts {
  const selector = decodeWorkloadSelector(spec.selector, reading);
  const ports = decodePorts(spec.portLevelMtls, reading);
  if (ports.size > 0 && selector === undefined) {
    const message = 'ports are those of selected workloads: without a selector these settings are not in force';
    reading.warn('WEIR1208', 'spec.portLevelMtls', message, 'add selector.matchLabels, or remove portLevelMtls');
  }
  return {
    kind: 'peer-authentication',
    selector,
    mode: modes[spec.mtls?.mode ?? 'UNSET'],
    ports: selector === undefined ? new Map() : ports,
  };
}

/** What is in force in place of one that cannot be read: whom it was meant to keep out is not known. */
export function closedPeerAuthentication(parts: PeerAuthenticationParts | undefined): PeerAuthenticationParts {
  const selector = Object.keys(parts?.selector ?? {}).length === 0 ? undefined : parts?.selector;
  return { kind: 'peer-authentication', selector, mode: 'strict', ports: new Map() };
}

type WrittenMode = NonNullable<NonNullable<PeerAuthenticationSpec['mtls']>['mode']>;

const modes: Readonly<Record<WrittenMode, MutualTlsMode | undefined>> = {
  UNSET: undefined,
  DISABLE: 'disable',
  PERMISSIVE: 'permissive',
  STRICT: 'strict',
};

function decodePorts(
  spec: PeerAuthenticationSpec['portLevelMtls'],
  reading: Reading,
): ReadonlyMap<number, MutualTlsMode> {
  const ports = new Map<number, MutualTlsMode>();
  for (const [key, { mode }] of Object.entries(spec ?? {})) {
    const at = fieldPath('spec.portLevelMtls', key);
    if (!/^[0-9]{1,9}$/.test(key)) {
      reading.error('WEIR1002', at, `${quote(key)} is no port number`, 'write the number of a port of the workload');
      continue;
    }
    const port = decodePort(Number(key), at, reading);
    const decoded = modes[mode ?? 'UNSET'];
    if (port !== undefined && decoded !== undefined) ports.set(port, decoded);
  }
  return ports;
}
