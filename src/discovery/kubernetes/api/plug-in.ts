import { execFile } from 'node:child_process';
import { z } from 'zod';
import { describeError } from '../../../observe/log.ts';
import type { Clock } from '../../registry.ts';
import { ApiError } from './api-client.ts';
import type { CredentialPlugIn } from './cluster.ts';
import type { Credential, CredentialSource } from './credentials.ts';

/** A new credential is fetched so long before the old one ends. */
const refreshAheadMs = 60_000;
/** Programs that wait for a person never end here. */
const patienceMs = 60_000;

const execCredential = z.object({
  status: z.object({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.iso.datetime({ offset: true }).optional(),
  }),
});

/** Credentials from a program, fetched anew before they expire and when the server refuses them (K8). */
export class PlugInCredentials implements CredentialSource {
  readonly #plugIn: CredentialPlugIn;
  readonly #clock: Clock;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  #credential: Promise<Credential> | undefined;
  /** Milliseconds since 1970. */
  #expiresAt = Infinity;

  constructor(plugIn: CredentialPlugIn, clock: Clock, environment: Readonly<Record<string, string | undefined>>) {
    this.#plugIn = plugIn;
    this.#clock = clock;
    this.#environment = environment;
  }

  current(): Promise<Credential> {
    if (this.#clock.now() >= this.#expiresAt - refreshAheadMs) this.refused();
    this.#credential ??= this.#fetch();
    return this.#credential;
  }

  refused(): void {
    this.#credential = undefined;
    this.#expiresAt = Infinity;
  }

  async #fetch(): Promise<Credential> {
    try {
      const { status } = execCredential.parse(JSON.parse(await this.#run()));
      if (status.expirationTimestamp !== undefined) this.#expiresAt = Date.parse(status.expirationTimestamp);
      const { token, clientCertificateData: certificate, clientKeyData: key } = status;
      return {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(certificate !== undefined && key !== undefined && { client: { certificate, key } }),
      };
    } catch (error) {
      this.refused();
      const hint = this.#plugIn.installHint === undefined ? '' : ` (${this.#plugIn.installHint})`;
      const message = `the credential plug-in ${this.#plugIn.command} gives no credential: ${describeError(error)}${hint}`;
      throw new ApiError('credentials', message, { cause: error });
    }
  }

  #run(): Promise<string> {
    const { apiVersion, command, args, environment, cluster } = this.#plugIn;
    const spec = { interactive: false, ...(cluster !== undefined && { cluster }) };
    const execInfo = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
    const env = { ...this.#environment, ...environment, KUBERNETES_EXEC_INFO: execInfo };
    return new Promise((resolve, reject) => {
      const child = execFile(command, args, { env, timeout: patienceMs }, (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(new Error(describeError(error), { cause: error }));
      });
      child.stdin?.end();
    });
  }
}
