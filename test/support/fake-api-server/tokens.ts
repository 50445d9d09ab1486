import type { TimedClock } from '../../../src/discovery/kubernetes/api/timed-clock.ts';
import { badRequest, conflict, notFound } from './refusal.ts';
import { pods, serviceAccounts } from './resources.ts';
import type { Store } from './store.ts';
import { isJson, objectKey, within, type Json } from './stored-object.ts';

const ownAudience = 'https://kubernetes.default.svc.cluster.local';

interface Claims {
  readonly namespace: string;
  readonly account: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  /** Milliseconds since 1970. */
  readonly expires: number;
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** Tokens of service accounts, and whose they are. */
export class Tokens {
  readonly #store: Store;
  readonly #clock: TimedClock;
  readonly #issued = new Map<string, Claims>();

  constructor(store: Store, clock: TimedClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** TokenRequest: `POST …/serviceaccounts/NAME/token`. */
  request(namespace: string, name: string, body: unknown): Json {
    const account = this.#store.read(serviceAccounts, objectKey(namespace, name));
    if (account === undefined) throw notFound('serviceaccounts', name);
    const spec = within(isJson(body) ? body : {}, 'spec');
    const { audiences = [ownAudience], expirationSeconds = 3_600 } = spec;
    if (typeof expirationSeconds !== 'number' || expirationSeconds < 600) {
      throw badRequest('spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes');
    }
    const { name: bound, uid } = within(spec, 'boundObjectRef');
    const pod = typeof bound === 'string' ? this.#store.read(pods, objectKey(namespace, bound)) : undefined;
    if (typeof bound === 'string' && pod === undefined) throw notFound('pods', bound);
    if (typeof uid === 'string' && uid !== pod?.metadata.uid) {
      const why = `the UID in the bound object reference (${uid}) does not match the UID in record`;
      throw conflict('serviceaccounts/token', name, why);
    }
    const expires = this.#clock.now() + expirationSeconds * 1_000;
    const claims: Claims = {
      namespace,
      account: name,
      uid: account.metadata.uid,
      audiences: audiences as readonly string[],
      expires,
      ...(pod === undefined ? {} : { pod: { name: pod.metadata.name, uid: pod.metadata.uid } }),
    };
    const token = this.#written(claims);
    this.#issued.set(token, claims);
    const expirationTimestamp = `${new Date(expires).toISOString().slice(0, 19)}Z`;
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace },
      spec: { audiences, expirationSeconds },
      status: { token, expirationTimestamp },
    };
  }

  /** TokenReview. */
  review(body: unknown): Json {
    const { token = '', audiences = [] } = within(isJson(body) ? body : {}, 'spec') as {
      readonly token?: string;
      readonly audiences?: readonly string[];
    };
    return {
      kind: 'TokenReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec: { token, ...(audiences.length === 0 ? {} : { audiences }) },
      status: this.#verdict(token, audiences),
    };
  }

  /** Whether a bearer of it may talk to this server: it is for this server, and somebody's. */
  admits(token: string): boolean {
    return this.#user(token) !== undefined && this.#issued.get(token)?.audiences.includes(ownAudience) === true;
  }

  #verdict(token: string, audiences: readonly string[]): Json {
    const claims = this.#issued.get(token);
    const user = this.#user(token);
    if (claims === undefined || user === undefined) return { user: {}, error: 'invalid bearer token' };
    const wanted = audiences.length === 0 ? [ownAudience] : audiences;
    const common = wanted.filter((audience) => claims.audiences.includes(audience));
    if (common.length > 0) return { authenticated: true, user, audiences: common };
    const [has, asked] = [claims.audiences, wanted].map((list) => JSON.stringify(list));
    return {
      user: {},
      error: `[invalid bearer token, token audiences ${has} is invalid for the target audiences ${asked}]`,
    };
  }

  /** undefined: nobody's any more. */
  #user(token: string): Json | undefined {
    const claims = this.#issued.get(token);
    if (claims === undefined || claims.expires <= this.#clock.now()) return undefined;
    const { namespace, account, uid, pod } = claims;
    const found = this.#store.read(serviceAccounts, objectKey(namespace, account));
    if (found?.metadata.uid !== uid) return undefined;
    if (pod !== undefined && this.#store.read(pods, objectKey(namespace, pod.name))?.metadata.uid !== pod.uid) {
      return undefined;
    }
    return {
      username: `system:serviceaccount:${namespace}:${account}`,
      uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra:
        pod === undefined
          ? {}
          : {
              'authentication.kubernetes.io/pod-name': [pod.name],
              'authentication.kubernetes.io/pod-uid': [pod.uid],
            },
    };
  }

  /** Looks like a JWT; nobody verifies its signature. */
  #written({ namespace, account, audiences, expires, pod }: Claims): string {
    const encoded = (content: Json): string => Buffer.from(JSON.stringify(content)).toString('base64url');
    const payload = {
      aud: audiences,
      exp: Math.floor(expires / 1_000),
      iat: Math.floor(this.#clock.now() / 1_000),
      iss: ownAudience,
      jti: String(this.#issued.size),
      sub: `system:serviceaccount:${namespace}:${account}`,
      'kubernetes.io': { namespace, pod, serviceaccount: { name: account } },
    };
    return `${encoded({ alg: 'none' })}.${encoded(payload)}.unsigned`;
  }
}
