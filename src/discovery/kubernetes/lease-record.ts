import { z } from 'zod';

/** What a `coordination.k8s.io/v1` Lease says. */
export interface LeaseRecord {
  /** Empty: nobody holds it. */
  readonly holder: string;
  /** For how long the others leave it alone after the last time that they saw it change. */
  readonly durationMs: number;
  readonly transitions: number;
  /** Changes with every write. */
  readonly resourceVersion: string;
  /** The object as the server has it: labels and whatever else others keep there stay in it. */
  readonly object: LeaseObject;
}

const leaseSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      leaseTransitions: z.number().nullish(),
      acquireTime: z.string().nullish(),
    })
    .optional(),
});

type LeaseObject = z.infer<typeof leaseSchema>;

/** @returns undefined when the answer is no Lease */
export function readLease(body: unknown): LeaseRecord | undefined {
  const read = leaseSchema.safeParse(body);
  if (!read.success) return undefined;
  const { metadata, spec } = read.data;
  return {
    holder: spec?.holderIdentity ?? '',
    durationMs: (spec?.leaseDurationSeconds ?? 0) * 1000,
    transitions: spec?.leaseTransitions ?? 0,
    resourceVersion: metadata.resourceVersion,
    object: read.data,
  };
}

export interface Claim {
  readonly namespace: string;
  readonly name: string;
  /** Empty: the lease is given back. */
  readonly holder: string;
  readonly durationMs: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What the server has; undefined: there is no such Lease yet. */
  readonly before: LeaseRecord | undefined;
}

/** The object to send: the one that was read, with its version, so that of two who race one gets 409 (kubernetes K104). */
export function leaseObject({ namespace, name, holder, durationMs, now, before }: Claim): unknown {
  const spec = before?.object.spec;
  const isNew = before === undefined || before.holder !== holder;
  const time = microTime(now);
  return {
    ...before?.object,
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...before?.object.metadata, namespace, name },
    spec: {
      ...spec,
      holderIdentity: holder,
      leaseDurationSeconds: Math.max(1, Math.round(durationMs / 1000)),
      acquireTime: isNew ? time : (spec?.acquireTime ?? time),
      renewTime: time,
      leaseTransitions: (before?.transitions ?? 0) + (isNew && holder !== '' && before !== undefined ? 1 : 0),
    },
  };
}

/** Kubernetes' MicroTime: exactly six digits, or the server answers 400 (K104, K141). @param now milliseconds since 1970 */
function microTime(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z');
}
