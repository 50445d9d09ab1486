import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { readConfig } from '../../src/app/config.ts';
import { callersOf } from '../../src/app/callers.ts';
import { listenXds, type XdsListeners } from '../../src/app/xds-listeners.ts';
import { ApiError, type ApiClient } from '../../src/discovery/kubernetes/api/api-client.ts';
import type { CertificateAuthority } from '../../src/identity/certificate-authority.ts';
import { spiffeId } from '../../src/model/identity.ts';
import { workloadKey } from '../../src/model/keys.ts';
import { workloads } from '../../src/model/tables.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { IssuedSecrets } from '../../src/xds/issued-secrets.ts';
import { noObserver, type Denial, type Refusal } from '../../src/xds/observer.ts';
import { decode, encode } from '../../src/xds/proto.ts';
import { XdsServer } from '../../src/xds/server.ts';
import { Authority, type Certificate } from './certificates.ts';
import { realClock } from './clocks.ts';
import { TinyMesh, tinyQueries, typeNamed } from './tiny-mesh.ts';

/** Weir's listeners as they are wired in the product, with an API server and an authority that do what the test says. */

export interface Credential {
  readonly token?: string;
  readonly certificate?: Certificate;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Attempt extends Credential {
  readonly node: string;
  readonly type?: string;
  readonly names?: readonly string[];
  /** Said in a second request. */
  readonly nextNode?: string;
  readonly path?: string;
  readonly plaintext?: boolean;
}

/** What came of an attempt. */
export interface Outcome {
  /** Name of the gRPC status; undefined: it was served. */
  readonly code: number | undefined;
  readonly detail: string;
  /** Messages that came. */
  readonly bytes: number;
}

export interface ReviewedUser {
  readonly username?: string;
  readonly groups?: readonly string[];
  readonly audiences?: readonly string[];
  readonly pod?: string;
  readonly authenticated?: boolean;
  readonly error?: string;
}

const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

export class SecureRig {
  readonly authority = new Authority('mesh');
  readonly mesh = new TinyMesh();
  readonly refusals: Refusal[] = [];
  readonly denials: Denial[] = [];
  /** What the API server knows, by token. */
  readonly users = new Map<string, ReviewedUser>();
  isApiServerAway = false;
  readonly server: XdsServer;
  #listeners: XdsListeners | undefined;

  static async start(): Promise<SecureRig> {
    const rig = new SecureRig();
    await rig.#listen();
    rig.server.open();
    return rig;
  }

  private constructor() {
    const authority = this.#certificateAuthority();
    this.server = new XdsServer({
      engine: this.mesh.engine,
      queries: tinyQueries,
      clock: realClock,
      identifier: 'weir/test',
      observer: this.#observer(),
      secrets: new IssuedSecrets({ authority, clock: realClock, random: Math.random }),
    });
  }

  get tls(): string {
    return this.#listeners?.tls ?? '';
  }

  async stop(): Promise<void> {
    this.server.close();
    await this.#listeners?.close();
  }

  /** A pod that Kubernetes knows. */
  pod(name: string, uid: string, address: string, serviceAccount = 'web', namespace = 'shop'): void {
    this.mesh.engine.batch({ source: 'kubernetes', at: 0 }, (write) =>
      write.put(workloads, {
        ...{
          key: workloadKey('kubernetes', namespace, name),
          namespace,
          name,
          uid,
          addresses: [address],
          serviceAccount,
        },
        ...{ labels: {}, namedPorts: {}, ready: true },
        declaredBy: { kind: 'Pod', namespace, name, origin: { source: 'kubernetes' } },
      }),
    );
  }

  removePod(name: string, namespace = 'shop'): void {
    this.mesh.engine.batch({ source: 'kubernetes', at: 0 }, (write) =>
      write.remove(workloads, workloadKey('kubernetes', namespace, name)),
    );
  }

  /** Tries, and waits for the first answer or the end. */
  attempt({ token, certificate, headers = {}, plaintext = false, ...said }: Attempt): Promise<Outcome> {
    const pem = [this.authority.certificate, certificate?.key, certificate?.certificate].map((text) =>
      text === undefined ? null : Buffer.from(text),
    );
    const client = plaintext
      ? new Client(this.#listeners?.plaintext ?? '', credentials.createInsecure())
      : new Client(this.tls, credentials.createSsl(...(pem as [Buffer, Buffer | null, Buffer | null])), {
          'grpc.ssl_target_name_override': 'localhost',
          'grpc.enable_retries': 0,
        });
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const same = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest<Buffer, Buffer>(said.path ?? path, same, same, metadata);
    const { type = 'cluster', names = [], node, nextNode } = said;
    const { typeUrl } = typeNamed(type);
    const request = (id: string) =>
      Buffer.from(
        encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', {
          node: { id },
          typeUrl,
          resourceNamesSubscribe: names,
        }),
      );
    let bytes = 0;
    return new Promise<Outcome>((resolve) => {
      const finish = (outcome: Omit<Outcome, 'bytes'>): void => {
        resolve({ ...outcome, bytes });
        call.cancel();
        client.close();
      };
      call.on('error', ({ code, details }: ServiceError) => finish({ code, detail: details }));
      call.on('data', (message: Buffer) => {
        const { resources = [] } = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', message);
        if (nextNode !== undefined && bytes === 0) call.write(request(nextNode));
        else finish({ code: undefined, detail: resources.map(({ name }) => name).join(' ') });
        bytes += message.length;
      });
      call.write(request(node));
    });
  }

  async #listen(): Promise<void> {
    const configured = readConfig({
      flags: { xdsTls: '127.0.0.1:0', xdsPlaintext: '127.0.0.1:0', caDir: 'not-read' },
      environment: {},
    });
    if (configured.kind === 'invalid') throw new Error(JSON.stringify(configured.problems));
    const { settings } = configured;
    this.#listeners = await listenXds({
      settings,
      xds: this.server,
      callers: callersOf({ settings, client: this.#apiServer(), others: [] }),
      authority: this.#certificateAuthority(),
      observer: this.#observer(),
      metrics: createMetrics({ version: '0', uptime: () => 0, processMetrics: false }),
      log: silentLog,
    });
  }

  #observer() {
    return {
      ...noObserver,
      refused: (refusal: Refusal) => void this.refusals.push(refusal),
      denied: (denial: Denial) => void this.denials.push(denial),
    };
  }

  #certificateAuthority(): CertificateAuthority {
    const signed = ({ certificate, key }: Certificate) => ({
      kind: 'signed' as const,
      certificate: { privateKey: key, chain: [certificate], notBefore: Date.now(), notAfter: Date.now() + 3_600_000 },
    });
    return {
      trustDomain: 'cluster.local',
      trustBundle: this.authority.certificate,
      issue: ({ identity }) => Promise.resolve(signed(this.authority.issue('web', spiffeId(identity)))),
      issueServer: (names) => Promise.resolve(signed(this.authority.issue('weir', ...names))),
      sign: () => Promise.resolve({ kind: 'unavailable', reason: 'not asked for' }),
      follow: () => () => undefined,
    };
  }

  #apiServer(): ApiClient {
    return {
      server: 'https://test',
      request: async ({ body }) => {
        if (this.isApiServerAway) throw new ApiError('unreachable', 'away');
        const { spec } = body as { readonly spec: { readonly token: string } };
        return { status: 201, body: { status: reviewStatus(this.users.get(spec.token)) } };
      },
      lines: () => Promise.reject(new Error('not asked for')),
      close: () => undefined,
    };
  }
}

function reviewStatus(user: ReviewedUser | undefined): unknown {
  if (user === undefined) return { authenticated: false, error: 'invalid bearer token' };
  const {
    username = 'system:serviceaccount:shop:web',
    groups = ['system:serviceaccounts', 'system:authenticated'],
    audiences = ['istio-ca'],
    authenticated = true,
    error,
    pod,
  } = user;
  const extra = pod === undefined ? {} : { 'authentication.kubernetes.io/pod-uid': [pod] };
  return { authenticated, error, audiences, user: { username, groups, extra } };
}
