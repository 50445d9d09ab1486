import type { Engine } from '../incremental/engine.ts';
import type { Caller } from '../identity/caller.ts';
import type { Proxy } from '../model/proxy.ts';
import { claimKey, fitOfClaim, type Claim, type ProxyFit } from '../policy/proxy-fit.ts';
import type { Clock } from './clock.ts';
import { isNodeError, type NodeError } from './node.ts';
import { StreamRefusal } from './stream-host.ts';

/** What holds a stream to the credential that it began with. */
export interface CredentialBond {
  /** @throws StreamRefusal when a later request names another proxy than the first */
  renamed(said: Proxy | NodeError): void;
  release(): void;
}

/** Of a stream without a credential: there is nothing to hold it to. */
export const noBond: CredentialBond = { renamed: () => undefined, release: () => undefined };

export interface BondOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly caller: Caller;
  readonly proxy: Proxy;
  /** Called once, when the credential has ended or the proxy is no longer what it proves. */
  readonly broken: (refusal: StreamRefusal) => void;
}

/** The longest time that a timer takes, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/**
 * Holds a stream to its credential: the node fits it, as far as registries know, now and later (istio-compat I33, reliability S53), no other node
 * is named, and both end together.
 *
 * @throws StreamRefusal when it does not fit
 */
export function bindCredential({ engine, clock, caller, proxy, broken }: BondOptions): CredentialBond {
  const { identity, instance, by, expiresAt } = caller;
  const claim: Claim = { proxy, proven: { identity, instance, isPod: by === 'kubernetes-token' } };
  // Inside a commit nothing may be written, and a stream that ends takes its proxy's row away.
  const later = (refusal: StreamRefusal): void => clock.soon(() => broken(refusal));
  const watch = engine.watch(fitOfClaim, claimKey(claim), (fit) => {
    const refusal = refusalOf(fit, proxy);
    if (refusal !== undefined) later(refusal);
  });
  const refusal = refusalOf(watch.value, proxy);
  if (refusal !== undefined) {
    watch.stop();
    throw refusal;
  }
  let cancel: () => void = () => undefined;
  const awaitEnd = (): void => {
    const left = expiresAt - clock.wallTime();
    if (left <= 0) return broken(new StreamRefusal('UNAUTHENTICATED', 'the credential has expired', 'expired'));
    cancel = clock.after(Math.min(left, longestTimer), awaitEnd);
  };
  awaitEnd();
  return {
    renamed: (said) => {
      const isSame =
        !isNodeError(said) &&
        said.nodeId === proxy.nodeId &&
        claimKey({ ...claim, proxy: saidOf(said, proxy) }) === claimKey(claim);
      if (!isSame) throw new StreamRefusal('PERMISSION_DENIED', 'the stream belongs to another node', 'node');
    },
    release: () => {
      watch.stop();
      cancel();
    },
  };
}

/** A node that names no service account means that of its credential. */
function saidOf(said: Proxy, { serviceAccount }: Proxy): Proxy {
  return said.serviceAccount === '' ? { ...said, serviceAccount } : said;
}

/** The log has the node in the reason: a stream that is refused at once has none yet. */
function refusalOf(fit: ProxyFit, { nodeId }: Proxy): StreamRefusal | undefined {
  switch (fit.kind) {
    case 'fits':
      return undefined;
    case 'differs':
      return new StreamRefusal(
        'PERMISSION_DENIED',
        'the node does not fit the credential',
        'node',
        `${nodeId}: ${fit.reason}`,
      );
    case 'unknown':
      // A pod may be quicker than the news of it.
      return new StreamRefusal('UNAVAILABLE', 'the node is not known', 'node', `${nodeId}: ${fit.reason}`);
  }
}
