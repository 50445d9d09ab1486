import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { noObserver } from '../../src/xds/observer.ts';
import { aForeignListener } from '../support/envoy-resources.ts';
import { EnvoyRig } from '../support/envoy-rig.ts';
import { envoyForTests } from '../support/envoy.ts';

/** A real Envoy that loses its connection right after it has refused a part of a response (xds-protocol X304). */

const binary = await envoyForTests();

/** The way between Envoy and the server, which the test cuts. */
class Wire {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer();

  async from(address: string): Promise<string> {
    const [host = '', port = ''] = address.split(':');
    this.#server.on('connection', (near) => {
      const far = connect(Number(port), host);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => this.#sockets.delete(socket));
      }
    });
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}

let wire: Wire | undefined;
let rig: EnvoyRig | undefined;

afterEach(async () => {
  wire?.close();
  await rig?.stop();
});

/** An Envoy whose connection breaks with its first NACK, when `meanwhile` happens. Gives the number of its NACKs, too. */
async function anEnvoy(meanwhile: (envoy: EnvoyRig) => void): Promise<{ rig: EnvoyRig; nacks: () => number }> {
  const cable = new Wire();
  let nacks = 0;
  const nacked = (): void => {
    if (++nacks > 1 || rig === undefined) return;
    cable.cut();
    meanwhile(rig);
  };
  wire = cable;
  rig = await EnvoyRig.start({
    binary: binary ?? '',
    variant: { wire: 'delta', isAds: true },
    observer: { ...noObserver, nacked },
    via: (address) => cable.from(address),
  });
  return { rig, nacks: () => nacks };
}

describe.skipIf(binary === undefined)('a real Envoy that is cut off when it has refused a part of a response', () => {
  it('runs what it should, although it says that it does already (xds-protocol/X304)', async () => {
    const { rig: envoy, nacks } = await anEnvoy((back) =>
      back.served.mesh.change((mesh) => {
        mesh.put('listener', 'l', back.listener('l', 'r', 'l'), { children: ['r'] });
        mesh.remove('listener', 'foreign');
      }),
    );
    const modified = await envoy.envoy.stat('listener_manager.listener_modified');
    envoy.served.mesh.change((mesh) => {
      mesh.put('listener', 'l', envoy.listener('l', 'r', 'other'), { children: ['r'] });
      mesh.put('listener', 'foreign', aForeignListener('foreign'));
    });
    await envoy.until(async () => (await envoy.envoy.stat('listener_manager.listener_modified')) === modified + 2);
    expect(JSON.stringify(await envoy.envoy.configDump())).not.toContain('"stat_prefix":"other"');
    expect(nacks()).toBe(1);
  });

  it('drops what is gone, although it does not say that it has it (xds-protocol/X304)', async () => {
    const { rig: envoy, nacks } = await anEnvoy(({ served }) =>
      served.mesh.change((mesh) => {
        mesh.remove('listener', 'sibling');
        mesh.remove('listener', 'foreign');
      }),
    );
    const added = await envoy.envoy.stat('listener_manager.listener_added');
    const removed = await envoy.envoy.stat('listener_manager.listener_removed');
    envoy.served.mesh.change((mesh) => {
      mesh.put('listener', 'sibling', envoy.listener('sibling', 'r'), { children: ['r'] });
      mesh.put('listener', 'foreign', aForeignListener('foreign'));
    });
    await envoy.until(async () => (await envoy.envoy.stat('listener_manager.listener_removed')) === removed + 1);
    expect(await envoy.envoy.stat('listener_manager.listener_added')).toBe(added + 1);
    expect(await envoy.portOf('sibling')).toBe(0);
    expect(nacks()).toBe(1);
  });
});
