import type { ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';
import { ApiServer } from '../../support/api-server/api-server.ts';
import { apiServerForTests } from '../../support/api-server/programs.ts';
import { createTestClient } from '../../support/api-server/test-client.ts';
import { startFakeApiServer } from '../../support/fake-api-server/start.ts';

/** The API servers that must behave alike: what a test proves of the fake is worth as much as this says. */

export interface ContractServer {
  readonly client: ApiClient;
  /** Another one, to be closed by who asked for it. */
  clientWith(token: string): ApiClient;
  /** Ends the server as a crash does and starts it again on what it had stored. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ContractSubject {
  readonly name: string;
  start(): Promise<ContractServer>;
  /** Why it cannot do some things. */
  readonly cannot: Partial<Record<Ability, string>>;
}

/** What not every API server has. */
export type Ability = 'expressions' | 'authorization';

const programs = await apiServerForTests();

const real: readonly ContractSubject[] =
  programs === undefined
    ? []
    : [
        {
          name: 'the real API server',
          cannot: {},
          async start() {
            const server = await ApiServer.start({ programs });
            return {
              client: server.client,
              clientWith: (token) => createTestClient(server.url, { ca: server.ca, token }),
              restart: () => server.restart('kube-apiserver'),
              stop: () => server.stop(),
            };
          },
        },
      ];

const fake: ContractSubject = {
  name: 'the fake API server',
  cannot: { expressions: 'the fake knows no CEL', authorization: 'the fake lets everybody do everything' },
  async start() {
    const { server, url, ca } = await startFakeApiServer({ tls: true });
    const client = createTestClient(url, { ca, token: server.token });
    const stop = async (): Promise<void> => {
      client.close();
      await server.stop();
    };
    const clientWith = (token: string): ApiClient => createTestClient(url, { ca, token });
    return { client, clientWith, restart: () => server.restart(), stop };
  },
};

export const subjects: readonly ContractSubject[] = [...real, fake];
