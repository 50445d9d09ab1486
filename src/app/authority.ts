import { ApiError, type ApiClient } from '../discovery/kubernetes/api/api-client.ts';
import { SecretEntries } from '../discovery/kubernetes/secret-entries.ts';
import { ownName, pluggedInNames, StoreError, type AuthorityStore } from '../identity/authority-store.ts';
import { DirectoryStore } from '../identity/directory-store.ts';
import { rotationSteps } from '../identity/authority-state.ts';
import type { Authenticator } from '../identity/caller.ts';
import type { CertificateAuthority } from '../identity/certificate-authority.ts';
import { JoinTokenAuthenticator } from '../identity/join-tokens.ts';
import { PacedAuthority } from '../identity/paced-authority.ts';
import { StoredAuthority, type AuthorityReport } from '../identity/stored-authority.ts';
import { describeError, type Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { ProxyStatus } from '../xds/status.ts';
import type { Settings } from './settings.ts';
import { timedClock } from './system-clock.ts';

/** The certificate authority that the settings ask for. */

export interface AuthorityOptions {
  readonly settings: Pick<Settings, 'caDir' | 'caSecret' | 'trustDomain' | 'certificateLifetime'>;
  /** To Weir's own cluster; undefined: there is none. */
  readonly client: ApiClient | undefined;
  readonly proxies: () => readonly Pick<ProxyStatus, 'types'>[];
  readonly metrics: Metrics;
  readonly log: Log;
}

/** The authority as the rest of Weir sees it. */
export interface MeshAuthority {
  readonly authority: CertificateAuthority;
  /** Reads it, and makes one where there is none. @throws AuthorityError, StoreError */
  open(): Promise<void>;
  /** Follows what replicas and people do with it, and replaces its root in time. */
  run(signal: AbortSignal): Promise<void>;
  /** Verifies the join tokens that were made with its store. */
  readonly joinTokens: Authenticator;
  /** undefined: it could not be read yet. */
  report(): AuthorityReport | undefined;
}

/** Nothing is read yet. @returns undefined: there is none, and no workload gets an identity */
export function meshAuthority({
  settings,
  client,
  proxies,
  metrics,
  log,
}: AuthorityOptions): MeshAuthority | undefined {
  const { trustDomain, certificateLifetime } = settings;
  const store = authorityStoreOf(settings, client);
  if (store === undefined) return undefined;
  const stored = new StoredAuthority({
    store,
    trustDomain,
    lifetime: Math.floor(certificateLifetime / 1000),
    clock: timedClock,
    log,
    unconfirmed: () => unconfirmedProxies(proxies(), Date.now()),
  });
  metrics.beforeExposition(() => measure(stored.report, metrics));
  return {
    authority: new PacedAuthority({ authority: stored, clock: timedClock, log, metrics }),
    open: () => stored.open(),
    run: (signal) => stored.run(signal),
    joinTokens: new JoinTokenAuthenticator({ trustDomain, key: () => stored.tokenKey, clock: timedClock }),
    report: () => stored.report,
  };
}

/** What is not known leaves no value behind. */
function measure(report: AuthorityReport | undefined, metrics: Metrics): void {
  if (report === undefined) return;
  const root = Math.min(...report.roots.map(({ notAfter }) => notAfter));
  const left = (notAfter: number): number => Math.round((notAfter - Date.now()) / 1000);
  metrics.rootExpiry.set(root / 1000);
  metrics.rootTimeLeft.set(left(root));
  metrics.signerExpiry.set(report.signer.notAfter / 1000);
  metrics.signerTimeLeft.set(left(report.signer.notAfter));
  for (const step of rotationSteps) metrics.rootRotation.set({ step }, step === report.rotation ? 1 : 0);
  metrics.rootRotationProxies.set(report.waiting?.proxies ?? 0);
}

export function authorityStoreOf(
  { caDir, caSecret }: Pick<Settings, 'caDir' | 'caSecret'>,
  client: ApiClient | undefined,
): AuthorityStore | undefined {
  if (caDir !== undefined) return new DirectoryStore(caDir);
  return caSecret === undefined || client === undefined ? undefined : secretStore(client, caSecret);
}

/** An authority in a Secret, next to whose entry of Weir's own the names of Istio's `cacerts` may stand. */
function secretStore(
  client: ApiClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): AuthorityStore {
  const place = `the Secret ${namespace}/${name}`;
  const secret = new SecretEntries({ client, namespace, name });
  return {
    place,
    async read() {
      const { entries = {}, version } = (await explained(place, secret.read())) ?? { version: undefined };
      const files = pluggedInNames.flatMap((key) => (entries[key] === undefined ? [] : [[key, entries[key]] as const]));
      const pluggedIn = files.length === 0 ? undefined : Object.fromEntries(files);
      return { own: entries[ownName], pluggedIn, version };
    },
    write: (text, before) => explained(place, secret.write(ownName, text, before)),
  };
}

async function explained<Value>(place: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const advice =
      error.status === 403 ? ': Weir needs get and patch on it, and create on secrets of its namespace' : '';
    throw new StoreError(`${place} is out of reach${advice}: ${describeError(error)}`, { cause: error });
  }
}

/** Milliseconds that a proxy may take to confirm its secrets: certificates are renewed all the time, and each is on its way for a moment. */
const confirmationTime = 60_000;

/** How many proxies have refused their secrets or are taking too long over them. */
function unconfirmedProxies(proxies: readonly Pick<ProxyStatus, 'types'>[], now: number): number {
  return proxies.filter(({ types }) =>
    types.some(
      ({ typeUrl, state, pendingSince }) =>
        typeUrl.endsWith('.Secret') &&
        (state === 'rejected' ||
          (state === 'pending' && pendingSince !== undefined && now - pendingSince > confirmationTime)),
    ),
  ).length;
}
