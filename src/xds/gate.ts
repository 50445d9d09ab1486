import type { Verdict } from '../identity/authenticate.ts';
import type { Caller } from '../identity/caller.ts';
import type { Admission } from './admission.ts';
import type { RefusalReason, XdsObserver } from './observer.ts';
import type { CallMetadata, PeerInfo, StatusName, StreamTransport } from './transport/transport.ts';

/** What stands between a new call and whoever serves it: who calls, then their turn. */

export interface GateOptions {
  /** Finds out who calls; undefined: nobody is asked who he is, and all are nobody (reliability S17). */
  readonly identify: ((peer: PeerInfo, metadata: CallMetadata) => Promise<Verdict>) | undefined;
  readonly admission: Admission;
  readonly observer: XdsObserver;
  /** Hears of each stream that is let in. */
  readonly admitted: () => void;
}

/**
 * Brings a new call before a server, if it may come at all, and when it is its turn. Nothing that it says is read before, and nothing is
 * done for it (reliability S1, istio-compat I247).
 *
 * @param accept who calls; undefined: nobody was asked
 */
export function gate(
  options: GateOptions,
  transport: StreamTransport,
  metadata: CallMetadata,
  accept: (caller: Caller | undefined) => void,
): void {
  const { identify } = options;
  if (identify === undefined) return admit(options, transport, () => accept(undefined));
  let hasLeft = false;
  transport.onClose(() => {
    hasLeft = true;
  });
  const decide = async (): Promise<void> => {
    const verdict = await identify(transport.peer, metadata);
    if (!hasLeft) judge(options, transport, verdict, accept);
  };
  void decide();
}

function judge(
  options: GateOptions,
  transport: StreamTransport,
  verdict: Verdict,
  accept: (caller: Caller) => void,
): void {
  switch (verdict.kind) {
    case 'caller':
      return admit(options, transport, () => accept(verdict.caller));
    case 'unauthenticated': {
      const reason = verdict.cause === 'none' ? 'no-credential' : 'bad-credential';
      const refusal = { status: 'UNAUTHENTICATED', reason, message: 'there is no valid credential' } as const;
      return refuse(options, transport, refusal, verdict.reason);
    }
    case 'unavailable': {
      const message = 'the credential cannot be verified now';
      return refuse(options, transport, { status: 'UNAVAILABLE', reason: 'unverified', message }, verdict.reason);
    }
  }
}

function admit(options: GateOptions, transport: StreamTransport, accept: () => void): void {
  const { admission, admitted } = options;
  const turn = admission.ask(() => {
    admitted();
    accept();
  });
  // A client that goes away while it waits must not be served; one that was let in has its end heard by the server.
  if (turn.kind === 'waiting') transport.onClose(turn.withdraw);
  if (turn.kind !== 'refused') return;
  const message = 'too many proxies connect at once; try again later';
  refuse(options, transport, { status: 'UNAVAILABLE', reason: 'too-many', message }, message);
}

/** @param detail for the log: the client hears the message alone */
function refuse(
  { observer }: GateOptions,
  transport: StreamTransport,
  {
    status,
    reason,
    message,
  }: { readonly status: StatusName; readonly reason: RefusalReason; readonly message: string },
  detail: string,
): void {
  observer.refused({ address: transport.peer.address, nodeId: '', status, reason, message: detail });
  transport.close(status, message);
}
