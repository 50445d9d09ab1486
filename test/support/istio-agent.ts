import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import type * as envoy from '../../src/xds/envoy.ts';
import { decode, encode, pack } from '../../src/xds/proto.ts';
import { alternativeNames, aRequest, ecKey, uriName } from './certificate-requests.ts';

/**
 * Plays Istio's pilot-agent, of which nothing is changed for Weir (istio-compat sections 3 to 7): it reads root and token where the agent does,
 * makes a key and has its certificate signed, serves both to its Envoy on one Unix socket, and hands the Envoy's stream on from another.
 */

const adsPath = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const secretsPath = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets';
const certificatePath = '/istio.v1.auth.IstioCertificateService/CreateCertificate';
const prefix = 'type.googleapis.com/';
const secretType = 'envoy.extensions.transport_sockets.tls.v3.Secret';
const listenerType = `${prefix}envoy.config.listener.v3.Listener`;
/** Sent for itself, and never answered (I84). */
const healthType = `${prefix}istio.v1.HealthInformation`;
/** What the agent asks for itself, by a request without a node and without names (I76). */
const ownTypes = [`${prefix}istio.networking.nds.v1.NameTable`, `${prefix}istio.mesh.v1alpha1.ProxyConfig`];

export interface IstioAgentOptions {
  /** In which the agent runs: it holds `var/run/secrets`. */
  readonly folder: string;
  /** `discoveryAddress`, which is the CA's as well. */
  readonly address: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const same = (bytes: Buffer): Buffer => bytes;

export class IstioAgent {
  readonly #options: IstioAgentOptions;
  readonly #client: Client;
  readonly #server = new Server();
  /** Types of the responses that came. */
  readonly received: string[] = [];
  /** How streams to the control plane ended. */
  readonly ends: string[] = [];
  /** As it was signed: the certificate first, all roots in the last one (I54). */
  chain: readonly string[] = [];
  #privateKey = '';

  private constructor(options: IstioAgentOptions, root: Buffer) {
    this.#options = options;
    this.#client = new Client(options.address, credentials.createSsl(root), {
      'grpc.max_receive_message_length': -1,
    });
  }

  /** Has its certificate and serves its Envoy. @throws ServiceError when it got none */
  static async start(options: IstioAgentOptions): Promise<IstioAgent> {
    const root = await readFile(join(options.folder, 'var/run/secrets/istio/root-cert.pem'));
    const agent = new IstioAgent(options, root);
    try {
      await agent.#obtain();
      await agent.#serve();
      return agent;
    } catch (error) {
      agent.stop();
      throw error;
    }
  }

  stop(): void {
    this.#server.forceShutdown();
    this.#client.close();
  }

  /** Paths of the sockets: for everything, and for secrets. */
  get sockets() {
    const { folder } = this.#options;
    return { xds: join(folder, 'XDS'), secrets: join(folder, 'socket') };
  }

  /** The token as it is in the file now (I37), and the cluster of the pod (I30). */
  async #metadata(): Promise<Metadata> {
    const token = await readFile(join(this.#options.folder, 'var/run/secrets/tokens/istio-token'), 'utf8');
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    metadata.set('ClusterID', 'Kubernetes');
    return metadata;
  }

  async #obtain(): Promise<void> {
    const { namespace, serviceAccount } = this.#options;
    const key = ecKey();
    this.#privateKey = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const identity = uriName(`spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`);
    const request = encode('istio.v1.auth.IstioCertificateRequest', {
      csr: aRequest({ key, asking: [[alternativeNames(identity)]] }),
      validityDuration: 86_400,
      metadata: { fields: { CertSigner: { stringValue: '' } } },
    });
    const metadata = await this.#metadata();
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#client.makeUnaryRequest(
      certificatePath,
      same,
      same,
      Buffer.from(request),
      metadata,
      (error: ServiceError | null, answer?: Buffer) => {
        if (error !== null || answer === undefined) reject(error ?? new Error('there is no answer'));
        else resolve(answer);
      },
    );
    this.chain = decode('istio.v1.auth.IstioCertificateResponse', await promise).certChain ?? [];
  }

  async #serve(): Promise<void> {
    const stream = { requestStream: true, responseStream: true, requestSerialize: same, requestDeserialize: same };
    const method = (path: string) => ({ ...stream, path, responseSerialize: same, responseDeserialize: same });
    this.#server.addService(
      { everything: method(adsPath), secrets: method(secretsPath) },
      {
        everything: (envoyStream: ServerDuplexStream<Buffer, Buffer>) => void this.#handOn(envoyStream),
        // State of the world alone (I61).
        secrets: (envoyStream: ServerDuplexStream<Buffer, Buffer>) => this.#answerSecrets(envoyStream),
      },
    );
    for (const path of Object.values(this.sockets)) {
      await new Promise<void>((resolve, reject) => {
        this.#server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => {
          if (error === null) resolve();
          else reject(error);
        });
      });
    }
  }

  /** One stream upstream for each of the Envoy's (I41); what is not Envoy's is not shown to it (I74). */
  async #handOn(down: ServerDuplexStream<Buffer, Buffer>): Promise<void> {
    down.pause();
    const up = this.#client.makeBidiStreamRequest<Buffer, Buffer>(adsPath, same, same, await this.#metadata());
    let hasAskedForListeners = false;
    const ask = (request: envoy.DeltaDiscoveryRequest): void => {
      up.write(Buffer.from(encode('envoy.service.discovery.v3.DeltaDiscoveryRequest', request)));
    };
    down.on('data', (bytes: Buffer) => {
      up.write(bytes);
      const { typeUrl } = decode('envoy.service.discovery.v3.DeltaDiscoveryRequest', bytes);
      if (typeUrl !== listenerType || hasAskedForListeners) return;
      hasAskedForListeners = true;
      for (const type of [...ownTypes, healthType]) ask({ typeUrl: type });
    });
    up.on('data', (bytes: Buffer) => {
      const response = decode('envoy.service.discovery.v3.DeltaDiscoveryResponse', bytes);
      const { typeUrl = '', resources = [], nonce = '' } = response;
      this.received.push(typeUrl);
      if (typeUrl.startsWith(`${prefix}envoy.`)) down.write(bytes);
      else if (ownTypes.includes(typeUrl) && resources.length > 0) ask({ typeUrl, responseNonce: nonce });
    });
    down.on('end', () => up.end());
    down.on('cancelled', () => up.cancel());
    up.on('error', ({ code, details }: ServiceError) => {
      this.ends.push(`${code} ${details}`);
      down.emit('error', { code, details });
    });
    up.on('end', () => down.end());
    // Its check may be through before the Envoy has asked for anything.
    ask({ typeUrl: healthType });
    down.resume();
  }

  #answerSecrets(down: ServerDuplexStream<Buffer, Buffer>): void {
    const answered = new Set<string>();
    down.on('data', (bytes: Buffer) => {
      const { resourceNames = [] } = decode('envoy.service.discovery.v3.DiscoveryRequest', bytes);
      const names = resourceNames.filter((name) => !answered.has(name));
      if (names.length === 0) return;
      for (const name of names) answered.add(name);
      const response = encode('envoy.service.discovery.v3.DiscoveryResponse', {
        typeUrl: `${prefix}${secretType}`,
        versionInfo: '1',
        nonce: '1',
        resources: names.map((name) => pack(secretType, this.#secret(name))),
      });
      down.write(Buffer.from(response));
    });
    down.on('end', () => down.end());
  }

  /** All that was signed, root included, is the chain (I55); the last string is the trust bundle (I54). */
  #secret(name: string): envoy.Secret {
    if (name === 'ROOTCA') return { name, validationContext: { trustedCa: { inlineString: this.chain.at(-1) ?? '' } } };
    return {
      name,
      tlsCertificate: {
        certificateChain: { inlineString: this.chain.join('') },
        privateKey: { inlineString: this.#privateKey },
      },
    };
  }
}

/** What the agent's template for Envoy comes to, as far as the control plane is concerned (I67, I68). */
export function agentBootstrap(node: envoy.Node, sockets: IstioAgent['sockets']): envoy.Bootstrap {
  const ads: envoy.ConfigSource = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: { seconds: 0 } };
  return {
    node,
    admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } },
    dynamicResources: {
      cdsConfig: ads,
      ldsConfig: ads,
      adsConfig: {
        apiType: 'DELTA_GRPC',
        transportApiVersion: 'V3',
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ envoyGrpc: { clusterName: 'xds-grpc' } }],
      },
    },
    staticResources: { clusters: [onSocket('xds-grpc', sockets.xds), onSocket('sds-grpc', sockets.secrets)] },
  };
}

function onSocket(name: string, path: string): envoy.Cluster {
  return {
    name,
    type: 'STATIC',
    connectTimeout: { seconds: 1 },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': pack(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        { explicitHttpConfig: { http2ProtocolOptions: {} } },
      ),
    },
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
  };
}
