import type { Provenance } from '../../model/provenance.ts';

/** What a translator gives: a message, which objects made it so, and what it makes Envoy ask for next. */
export interface Translated<Message> {
  readonly message: Message;
  readonly provenance: readonly Provenance[];
  /** Names of the load assignments of a cluster, or of the route configurations of a listener. */
  readonly children: readonly string[];
  /** Names of the secrets that it refers to; undefined: none. */
  readonly secrets?: readonly string[];
}
