import { kindOfDocument } from '../discovery/file/kinds.ts';
import { readRows, type ReadKind } from '../discovery/kubernetes/objects/object-rows.ts';
import type { Read } from '../incremental/definitions.ts';
import type { Judge } from '../inject/validation-webhook.ts';
import { keyOfConfig, type ConfigKind, type ConfigObject } from '../model/config-object.ts';
import type { Violation } from '../model/provenance.ts';
import { decodeConfig } from '../policy/dialects/istio/decode.ts';
import { findingsAbout } from '../policy/findings.ts';
import { admitReadable } from './admission.ts';

export interface JudgeOptions {
  /** What is in force now: findings about the object beside the others are warnings. */
  readonly read: Read;
  /** Cluster domain. */
  readonly domain: string;
}

/** Judges objects as the sources do: the same reading, the same limits, the same findings (policy P443). */
export function judgeOf({ read, domain }: JudgeOptions): Judge {
  return (content) => {
    const document = kindOfDocument(textOf(content['apiVersion']), textOf(content['kind']));
    if (document.kind !== 'read' || !isConfigKind(document.as)) return undefined;
    const context = { source: 'admission', origin: { source: 'admission' }, domain, admit: admitReadable };
    const { outcome } = readRows(document.as, content, document.namespaced, context);
    if (outcome.kind === 'invalid') return outcome.violations;
    return outcome.value.flatMap((row) => (row.kind === 'config' ? warningsAbout(row.row, read) : []));
  };
}

function warningsAbout(object: ConfigObject, read: Read): readonly Violation[] {
  const decoded = decodeConfig(object);
  const own = decoded.kind === 'valid' ? decoded.warnings : [];
  return [...own, ...findingsAbout(read, keyOfConfig(object), object).map(asWarning)];
}

/** The order of apply is free: what is wrong only beside the others may be right in a moment (policy P441). */
function asWarning({ code, path, message, advice }: Violation): Violation {
  return { severity: 'warning', code, path, message, advice };
}

const configKinds: Readonly<Record<ConfigKind, true>> = {
  'networking.istio.io/VirtualService': true,
  'networking.istio.io/DestinationRule': true,
  'networking.istio.io/ServiceEntry': true,
  'networking.istio.io/WorkloadEntry': true,
  'security.istio.io/AuthorizationPolicy': true,
  'security.istio.io/PeerAuthentication': true,
  'security.istio.io/RequestAuthentication': true,
  'mesh.istio.io/MeshConfig': true,
};

function isConfigKind(kind: ReadKind): kind is ConfigKind {
  return Object.hasOwn(configKinds, kind);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
