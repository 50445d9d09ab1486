import { expect, it } from 'vitest';
import type { ReflectorMetrics } from '../discovery/kubernetes/reflector/metrics.ts';
import { newCounters } from '../discovery/kubernetes/reflector/metrics.ts';
import { createMetrics } from '../observe/metrics.ts';
import { measureReflectors, type MeasuredReflector } from './reflector-metrics.ts';

function aReflector(values: Partial<ReflectorMetrics>, namespace?: string): MeasuredReflector {
  const metrics = { ...newCounters(), resourceVersion: undefined, silenceMs: undefined, objects: 0, undelivered: 0 };
  return { cluster: 'kubernetes', kind: 'Pod', namespace, metrics: () => ({ ...metrics, ...values }) };
}

it('kubernetes/K24: say where each reflector stands, as long as it follows', async () => {
  const metrics = createMetrics({ version: '1', uptime: () => 0, processMetrics: false });
  const reflectors = new Set([
    aReflector({ objects: 7, silenceMs: 1500, resourceVersion: '42', expired: 2, parseMs: 250 }),
    aReflector({ objects: 1, resourceVersion: 'opaque' }, 'shop'),
  ]);
  measureReflectors(reflectors, metrics);
  await metrics.expose();
  const text = await metrics.expose();
  const of = (name: string, namespace = ''): string | undefined =>
    new RegExp(
      `^weir_kubernetes_reflector_${name}{cluster="kubernetes",kind="Pod",namespace="${namespace}"} (.*)$`,
      'm',
    ).exec(text)?.[1];
  expect(of('objects')).toBe('7');
  expect(of('objects', 'shop')).toBe('1');
  expect(of('silence_seconds')).toBe('1.5');
  expect(of('resource_version')).toBe('42');
  expect(of('resource_version', 'shop')).toBeUndefined();
  expect(of('expired_total')).toBe('2');
  expect(of('parse_seconds_total')).toBe('0.25');
  reflectors.clear();
  expect(await metrics.expose()).not.toContain('kind="Pod"');
});
