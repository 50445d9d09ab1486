import type { ApiClient } from '../../../src/discovery/kubernetes/api/api-client.ts';
import { ApiServer } from '../../support/api-server/api-server.ts';
import { apiServerForTests } from '../../support/api-server/programs.ts';

/** The API servers that must behave alike: what a test proves of the fake is worth as much as this says. */

export interface ContractServer {
  readonly client: ApiClient;
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
              restart: () => server.restart('kube-apiserver'),
              stop: () => server.stop(),
            };
          },
        },
      ];

export const subjects: readonly ContractSubject[] = [...real];
