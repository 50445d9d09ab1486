import { describe, expect, it } from 'vitest';
import { readMetadata } from './metadata.ts';

describe('readMetadata', () => {
  it('reads what matters', () => {
    const metadata = {
      name: 'reviews',
      namespace: 'shop',
      labels: { 'app.kubernetes.io/name': 'reviews', empty: '' },
      annotations: { note: 'anything at all' },
      generation: 7,
      creationTimestamp: '2026-01-31T12:00:00Z',
      deletionTimestamp: null,
      managedFields: [{ manager: 'kubectl' }],
      uid: 'x',
    };
    expect(readMetadata({ metadata }, true).metadata).toEqual({
      name: 'reviews',
      namespace: 'shop',
      labels: { 'app.kubernetes.io/name': 'reviews', empty: '' },
      annotations: { note: 'anything at all' },
      generation: 7,
      createdAt: Date.UTC(2026, 0, 31, 12),
      terminating: false,
    });
  });

  it('fills in what is absent', () => {
    const metadata = { name: 'reviews', labels: null, creationTimestamp: null };
    expect(readMetadata({ metadata }, true).metadata).toMatchObject({
      namespace: 'default',
      labels: {},
      annotations: {},
      createdAt: 0,
    });
    expect(readMetadata({ metadata: { name: 'node-1', namespace: 'ignored' } }, false).metadata).toMatchObject({
      namespace: '',
    });
  });

  it.each([
    ['a name that is a number', { name: 1 }, ['metadata.name WEIR1002']],
    ['no name', {}, ['metadata.name WEIR1005']],
    ['a name with a blank', { name: 'a b' }, ['metadata.name WEIR1019']],
    ['no metadata', undefined, ['metadata WEIR1005']],
    ['a namespace with a dot', { name: 'a', namespace: 'b.c' }, ['metadata.namespace WEIR1019']],
  ])('cannot tell which object it is from %s', (_name, metadata, expected) => {
    const reading = readMetadata({ metadata }, true);
    expect(reading.identity).toBeUndefined();
    expect(reading.violations.map(({ path, code }) => `${path} ${code}`)).toEqual(expected);
  });

  it('still knows which object it is when the rest is wrong', () => {
    const labels = { version: 1, ok: 'yes', 'no blanks': 'x', long: 'x'.repeat(64), odd: '-' };
    const metadata = { name: 'reviews', labels, generation: 1.5, creationTimestamp: 'yesterday' };
    const reading = readMetadata({ metadata }, true);
    expect(reading.identity).toEqual({ namespace: 'default', name: 'reviews' });
    expect(reading.violations.map(({ path, code }) => `${path} ${code}`)).toEqual([
      'metadata.labels.version WEIR1002',
      'metadata.labels["no blanks"] WEIR1018',
      'metadata.labels.long WEIR1018',
      'metadata.labels.odd WEIR1018',
      'metadata.generation WEIR1002',
      'metadata.creationTimestamp WEIR2011',
    ]);
  });

  it('says what to do about a number where text is expected', () => {
    const { violations } = readMetadata({ metadata: { name: 'a', labels: { version: 1 } } }, true);
    expect(violations[0]).toMatchObject({
      message: 'text is expected, not the number 1',
      advice: 'put it in quotes: "1"',
    });
  });
});
