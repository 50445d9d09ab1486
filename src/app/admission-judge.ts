import { kindOfDocument, type ReadKind } from '../discovery/file/kinds.ts';
import { readMetadata, type ObjectMetadata } from '../discovery/kubernetes/objects/metadata.ts';
import type { Read } from '../incremental/definitions.ts';
import type { AdmittedObject, Judge } from '../inject/validation-webhook.ts';
import { keyOfConfig, type ConfigKind, type ConfigObject } from '../model/config-object.ts';
import type { Violation } from '../model/provenance.ts';
import { decodeConfig } from '../policy/dialects/istio/decode.ts';
import { findingsAbout } from '../policy/findings.ts';

export interface JudgeOptions {
  /** What is in force now: findings about the object beside the others are warnings. */
  readonly read: Read;
  /** Cluster domain. */
  readonly domain: string;
}

/** Judges objects as the sources do: the same decoders, the same limits, the same findings (policy P443). */
export function judgeOf(options: JudgeOptions): Judge {
  return (content) => {
    const { apiVersion, kind } = content;
    const document = kindOfDocument(textOf(apiVersion), textOf(kind));
    if (document.kind !== 'read' || !isConfigKind(document.as)) return undefined;
    return judge(document.as, content, document.namespaced, options);
  };
}

function judge(
  kind: ConfigKind,
  content: AdmittedObject,
  namespaced: boolean,
  { read, domain }: JudgeOptions,
): readonly Violation[] {
  const { metadata, violations } = readMetadata(content, namespaced);
  const object = objectOf(kind, metadata ?? unreadable, content['spec'], domain);
  const decoded = decodeConfig(object);
  if (decoded.kind === 'invalid') return [...violations, ...decoded.violations];
  if (violations.length > 0) return violations;
  return [...decoded.warnings, ...findingsAbout(read, keyOfConfig(object), object).map(asWarning)];
}

/** The order of apply is free: what is wrong only beside the others may be right in a moment (policy P441). */
function asWarning({ code, path, message, advice }: Violation): Violation {
  return { severity: 'warning', code, path, message, advice };
}

const unreadable: ObjectMetadata = {
  name: 'unnamed',
  namespace: 'default',
  labels: {},
  annotations: {},
  generation: undefined,
  createdAt: 0,
  terminating: false,
};

function objectOf(kind: ConfigKind, metadata: ObjectMetadata, spec: unknown, domain: string): ConfigObject {
  const { namespace, name, labels, annotations, generation = 1, createdAt } = metadata;
  const origin = { source: 'admission' };
  return { kind, namespace, name, labels, annotations, generation, createdAt, spec, origin, domain };
}

const configKinds: Readonly<Record<ConfigKind, true>> = {
  'networking.istio.io/VirtualService': true,
  'networking.istio.io/DestinationRule': true,
  'networking.istio.io/ServiceEntry': true,
  'networking.istio.io/WorkloadEntry': true,
  'mesh.istio.io/MeshConfig': true,
};

function isConfigKind(kind: ReadKind): kind is ConfigKind {
  return Object.hasOwn(configKinds, kind);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
