import type { IncomingMessage } from 'node:http';
import { bearerToken } from '../identity/authenticate.ts';
import { spiffeId } from '../model/identity.ts';
import { authorize, type Asker } from '../xds/authorization.ts';
import { Allowance } from '../xds/transport/codec/allowance.ts';

/** Who may see them. */
export interface AdminDoor {
  /** Whether the token is that of whoever runs Weir, who may ask as often as need be. */
  readonly isOperator: (token: string | undefined) => Promise<boolean>;
  /** Finds out who asks. @param token behind `authorization: Bearer`; undefined: there is none */
  readonly askerOf: (token: string | undefined, address: string) => Promise<Asker>;
  /** Hears of each request for a page that is not for everybody, and what came of it. */
  readonly asked: (request: AdminRequest) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

export interface AdminRequest {
  readonly path: string;
  readonly address: string;
  readonly asker: Asker['kind'];
  /** Of a workload. */
  readonly identity: string;
  readonly result: 'shown' | 'denied' | 'remote' | 'too-many';
}

type Entry =
  | { readonly kind: 'open'; readonly namespace: string | undefined }
  | { readonly kind: 'refused'; readonly status: 401 | 403 | 429; readonly line: string };

/** Views that one asker may see at once, and per second (reliability S80). */
const allowance = { burst: 10, perSecond: 5 };
/** Askers whose requests are counted; beyond that all are forgotten. */
const mostAskers = 1_000;

/** Lets those in who may see a page (reliability S33). */
export class Doorkeeper {
  readonly #door: AdminDoor;
  readonly #allowances = new Map<string, Allowance>();

  constructor(door: AdminDoor) {
    this.#door = door;
  }

  async ask(request: IncomingMessage, path: string): Promise<Entry> {
    const open = authorize({ kind: 'nobody' }, { kind: 'page', path });
    if (open.kind === 'allowed') return { kind: 'open', namespace: open.namespace };
    const { remoteAddress: address = '' } = request.socket;
    const nobody = { path, address, asker: 'nobody', identity: '' } as const;
    // There is no TLS here: a credential must not cross a network, and neither must what it opens.
    if (!isLoopback(address))
      return this.#refuse({ ...nobody, result: 'remote' }, 403, `${path} answers on this machine only`);
    const token = bearerToken(request.headers.authorization);
    // Others on this machine must not keep him from seeing what goes on.
    if (!(await this.#door.isOperator(token)) && !this.#mayAsk(`from ${address}`))
      return this.#refuse({ ...nobody, result: 'too-many' }, 429, 'ask more slowly');
    const asker = await this.#door.askerOf(token, address);
    const identity = asker.kind === 'workload' ? spiffeId(asker.caller.identity) : '';
    const asked = { path, address, asker: asker.kind, identity };
    const decision = authorize(asker, { kind: 'page', path });
    if (decision.kind === 'denied') {
      return this.#refuse(
        { ...asked, result: 'denied' },
        401,
        `${path} wants a credential: see docs/how-to/secure-xds.md`,
      );
    }
    this.#door.asked({ ...asked, result: 'shown' });
    return { kind: 'open', namespace: decision.namespace };
  }

  #mayAsk(who: string): boolean {
    if (this.#allowances.size >= mostAskers) this.#allowances.clear();
    let left = this.#allowances.get(who);
    if (left === undefined) this.#allowances.set(who, (left = new Allowance(allowance.burst, allowance.perSecond)));
    return left.spend(this.#door.now());
  }

  #refuse(request: AdminRequest, status: 401 | 403 | 429, line: string): Entry {
    this.#door.asked(request);
    return { kind: 'refused', status, line };
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
