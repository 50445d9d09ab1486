/** What `/status` says of the certificate authority. It tells nothing that a certificate does not. */

/** As the authority knows it. Times are milliseconds since 1970. */
export interface AuthorityView {
  readonly place: string;
  readonly madeBy: string;
  readonly signer: { readonly notAfter: number };
  readonly roots: readonly { readonly subject: string; readonly serial: string; readonly notAfter: number }[];
  readonly rotation: string;
  readonly waiting: { readonly until: number; readonly proxies: number } | undefined;
}

export interface AuthorityReport {
  /** Where it is kept. */
  readonly place: string;
  readonly madeBy: string;
  /** When what signs, or what stands above it, ends. */
  readonly ends: string;
  readonly roots: readonly { readonly subject: string; readonly serial: string; readonly ends: string }[];
  /** How far the replacement of the root has come: `steady`, `requested`, `adding`, `dropping`. */
  readonly rotation: string;
  /** When its next step may be taken at the earliest. */
  readonly nextStep?: string;
  /** Proxies of this replica that it waits for. */
  readonly waitingProxies?: number;
}

export function authorityReport({ place, madeBy, signer, roots, rotation, waiting }: AuthorityView): AuthorityReport {
  return {
    place,
    madeBy,
    ends: isoTime(signer.notAfter),
    roots: roots.map(({ subject, serial, notAfter }) => ({ subject, serial, ends: isoTime(notAfter) })),
    rotation,
    ...(waiting === undefined ? {} : { nextStep: isoTime(waiting.until), waitingProxies: waiting.proxies }),
  };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
