import type { AuthorityStore, Stored } from '../../src/identity/authority-store.ts';
import type { CertificateSubject, Signing } from '../../src/identity/certificate-authority.ts';
import type { AuthorityClock } from '../../src/identity/clock.ts';
import { StoredAuthority, type StoredAuthorityOptions } from '../../src/identity/stored-authority.ts';
import { silentLog } from '../../src/observe/log.ts';

/** Certificate authorities for tests. */

export const web: CertificateSubject = {
  identity: { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' },
  instance: 'f8c7a1d0-5e5f-4f5d-9d0e-0d6f3c1f8a11',
};

export const webUri = 'spiffe://cluster.local/ns/shop/sa/web';

/** A store in memory, which any number of authorities may share. */
export class MemoryStore implements AuthorityStore {
  readonly place = 'memory';
  #text: string | undefined;
  #version = 0;
  pluggedIn: Stored['pluggedIn'];
  writes = 0;

  async read(): Promise<Stored> {
    const version = this.#text === undefined ? undefined : String(this.#version);
    return { own: this.#text, pluggedIn: this.pluggedIn, version };
  }

  async write(text: string, before: string | undefined): Promise<boolean> {
    // As over a network: others may come in between.
    await Promise.resolve();
    if (before !== (this.#text === undefined ? undefined : String(this.#version))) return false;
    this.#text = text;
    this.#version++;
    this.writes++;
    return true;
  }
}

/** Time that passes when the test says so. */
export class SteppedClock implements AuthorityClock {
  readonly #alarms = new Set<{ readonly at: number; readonly callback: () => void }>();
  time = Date.UTC(2026, 0, 1);

  /** How many want to be called back. */
  get alarms(): number {
    return this.#alarms.size;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const alarm = { at: this.time + milliseconds, callback };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /** Lets time pass and calls back what was due, in the order of its time. */
  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#alarms.delete(next);
      this.time = next.at;
      next.callback();
    }
    this.time = end;
  }

  #next(end: number): { readonly at: number; readonly callback: () => void } | undefined {
    return [...this.#alarms].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
  }
}

/** An authority over a store of its own, at the time of the machine, unless the options say otherwise. */
export function anAuthority(options: Partial<StoredAuthorityOptions> = {}): StoredAuthority {
  return new StoredAuthority({
    store: new MemoryStore(),
    trustDomain: 'cluster.local',
    lifetime: 86_400,
    clock: machineClock,
    log: silentLog,
    unconfirmed: () => 0,
    ...options,
  });
}

const machineClock: AuthorityClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

export function signedOf<Certificate>(signing: Signing<Certificate>): Certificate {
  if (signing.kind === 'signed') return signing.certificate;
  throw new Error(`${signing.kind}: ${signing.reason}`);
}
