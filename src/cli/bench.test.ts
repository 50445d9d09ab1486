import { env } from 'node:process';
import { expect, it } from 'vitest';
import { XdsServer } from '../xds/server.ts';
import { serverClock } from '../app/system-clock.ts';
import { World } from '../bench/world.ts';
import { Engine } from '../incremental/engine.ts';
import { scopesOf } from '../policy/scope.ts';
import { resource, resourceNames } from '../xds/resources.ts';
import { xdsHandlers } from '../xds/services.ts';
import { listen } from '../xds/transport/listener.ts';
import { defaultLimits, noConnectionObserver } from '../xds/transport/protocol.ts';
import { transportKinds } from '../xds/transport/transport-kinds.ts';
import { run } from './run.ts';

async function weirBench(...parameters: readonly string[]) {
  let [out, err] = ['', ''];
  const exitCode = await run({
    arguments: ['bench', ...parameters],
    environment: env,
    out: { write: (text) => (out += text), isTerminal: false, colours: false },
    err: { write: (text) => (err += text), isTerminal: false, colours: false },
    now: () => 0,
    untilStopped: () => AbortSignal.abort(),
    onCrash: () => undefined,
  });
  return { exitCode, out, err };
}

const small = ['--sidecars', '3', '--services', '6', '--dependencies', '2', '--changes', '40', '--seconds', '1'];

it.each(transportKinds)('hot-path/H1331 measures its own Weir end to end over %s', async (transport) => {
  const { exitCode, out, err } = await weirBench(...small, '--transport', transport, '-o', 'json');
  expect({ exitCode, err }).toMatchObject({ exitCode: 0 });
  const data = JSON.parse(out) as Readonly<Record<string, number>> & { readonly changeToAck: { readonly max: number } };
  expect(data).toMatchObject({ plan: { sidecars: 3, transport }, lostStreams: 0 });
  expect(data['messagesPerSecond']).toBeGreaterThan(0);
  expect(data.changeToAck.max).toBeGreaterThan(0);
  expect(err).toContain('weir bench: connecting 3 sidecars');
});

it('has sidecars meet a control plane that runs, and says what each of them got', async () => {
  const { engine } = new World(new Engine(), { services: 4, endpointsPerService: 2 });
  const queries = { names: resourceNames, resource, scopes: scopesOf };
  const server = new XdsServer({ engine, queries, clock: serverClock, identifier: 'weir/test' });
  server.open();
  const listener = await listen({
    kind: transportKinds[0],
    address: '127.0.0.1:0',
    handlers: xdsHandlers((transport, { wire, typeUrl }) => server.accept(transport, wire, { only: typeUrl })),
    tls: undefined,
    limits: defaultLimits,
    clock: serverClock,
    random: () => 0,
    observer: noConnectionObserver,
  });
  const { exitCode, out, err } = await weirBench('--address', listener.address, '--sidecars', '3', '--seconds', '1');
  server.close();
  await listener.close(AbortSignal.timeout(1_000));
  expect({ exitCode, err }).toMatchObject({ exitCode: 0 });
  expect(out).toMatch(/each sidecar got +\d+ resources/);
  expect(out).toMatch(/connected until complete +[\d.]+ ms/);
});

it('says that nobody answers', async () => {
  const { exitCode, err } = await weirBench('--address', '127.0.0.1:1', '--sidecars', '1', '--seconds', '1');
  expect(exitCode).toBe(69);
  expect(err).toContain('ECONNREFUSED');
});

it('refuses sidecars that want more services than there are', async () => {
  const { exitCode, err } = await weirBench('--services', '5', '--dependencies', '6');
  expect(exitCode).toBe(2);
  expect(err).toContain('--dependencies must not be more than --services');
});
