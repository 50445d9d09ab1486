import { expect, it } from 'vitest';
import { Engine } from '../incremental/engine.ts';
import type { ConfigObject } from '../model/config-object.ts';
import { configKey } from '../model/keys.ts';
import { configs } from '../model/tables.ts';
import type { Log, LogFields } from '../observe/log.ts';
import { logFindings } from './finding-log.ts';

const cause = { source: 'test', at: 0 };

function aVirtualService(name: string, generation = 1): ConfigObject {
  return {
    kind: 'networking.istio.io/VirtualService',
    namespace: 'shop',
    name,
    labels: {},
    annotations: {},
    generation,
    createdAt: 0,
    spec: { hosts: [`${name}.example.com`], http: [{ route: [{ destination: { host: 'nowhere.example.com' } }] }] },
    origin: { source: 'test', file: 'a.yaml', document: 1, line: generation },
  };
}

function aWorld() {
  const engine = new Engine();
  const entries: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] = [];
  const note =
    (level: string): Log['info'] =>
    (message, fields) =>
      void entries.push({ level, message, fields });
  const log: Log = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    with: () => log,
  };
  const stop = logFindings(engine, (_, path) => ({ file: 'a.yaml', line: path === '' ? 1 : 9 }), log);
  return { engine, entries, stop, take: () => entries.splice(0) };
}

it('logs what was found once when it appears, with its place, and once when it is gone', () => {
  const { engine, take } = aWorld();
  engine.batch(cause, (write) => write.put(configs, aVirtualService('web')));
  const appeared = take();
  expect(appeared.length).toBeGreaterThan(0);
  expect(appeared[0]).toMatchObject({
    level: 'warn',
    fields: { object: 'networking.istio.io/VirtualService shop/web', file: 'a.yaml', line: 9 },
  });

  engine.batch(cause, (write) => write.put(configs, aVirtualService('web', 2)));
  expect(take()).toEqual([]);

  engine.batch(cause, (write) => write.remove(configs, configKey('networking.istio.io/VirtualService', 'shop', 'web')));
  const gone = take();
  expect(gone.map(({ level }) => level)).toEqual(appeared.map(() => 'info'));
});

it('does not flood the log when a mistake repeats itself', () => {
  const { engine, take } = aWorld();
  engine.batch(cause, (write) => {
    for (let number = 0; number < 200; number++) write.put(configs, aVirtualService(`web-${number}`));
  });
  const entries = take();
  expect(entries.length).toBe(51);
  expect(entries.at(-1)?.fields?.['count']).toBeGreaterThanOrEqual(150);
});

it('is silent once it is stopped', () => {
  const { engine, stop, take } = aWorld();
  stop();
  engine.batch(cause, (write) => write.put(configs, aVirtualService('web')));
  expect(take()).toEqual([]);
});
