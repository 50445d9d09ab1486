/** Where an authority is kept: its keys, and how far a rotation of its root has come. All replicas share one. */

/** Names of the files, or entries of a Secret, by which an authority of somebody else is plugged in: Istio's. */
export const pluggedInNames = ['ca-cert.pem', 'ca-key.pem', 'root-cert.pem', 'cert-chain.pem'] as const;

export type PluggedInName = (typeof pluggedInNames)[number];

/** Under which name Weir keeps an authority that it made itself. */
export const ownName = 'weir-authority.json';

/** What is there. Both are undefined: nothing yet. */
export interface Stored {
  /** What Weir wrote. */
  readonly own: string | undefined;
  /** What somebody put there, by name; without `ca-key.pem` no authority, but roots to trust. Weir never changes it. */
  readonly pluggedIn: Readonly<Partial<Record<PluggedInName, string>>> | undefined;
  /** What `write` wants to hear, so that nobody's write is lost; undefined: there is nothing that has a version. */
  readonly version: string | undefined;
}

export interface AuthorityStore {
  /** For people, for example `the directory /var/lib/weir/ca`. */
  readonly place: string;
  /** @throws StoreError */
  read(): Promise<Stored>;
  /**
   * Writes what is Weir's own, if nobody else has since it was read: two replicas never make two roots.
   *
   * @param before the version that was read
   * @returns false: somebody was faster, and what they wrote stands
   * @throws StoreError
   */
  write(text: string, before: string | undefined): Promise<boolean>;
}

/** The store cannot be reached or used. The message says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
