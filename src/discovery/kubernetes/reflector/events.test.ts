import { describe, expect, it } from 'vitest';
import { keyOf, readEvent } from './events.ts';

const read = (text: string) => readEvent(Buffer.from(text), 'watch of /api/v1/pods');
const event = (type: string, object: object) => JSON.stringify({ type, object });
const object = { metadata: { namespace: 'shop', name: 'web', resourceVersion: '7' } };

describe('a line of a watch', () => {
  it('says what happened', () => {
    expect(read(event('ADDED', object))).toEqual({ kind: 'put', object, resourceVersion: '7' });
    expect(read(event('MODIFIED', object))).toEqual({ kind: 'put', object, resourceVersion: '7' });
    expect(read(event('DELETED', object))).toEqual({ kind: 'remove', object, resourceVersion: '7' });
    expect(read(event('BOOKMARK', { metadata: { resourceVersion: '8' } }))).toEqual({
      kind: 'bookmark',
      resourceVersion: '8',
      endsInitialEvents: false,
    });
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    expect(read(event('BOOKMARK', { metadata: { resourceVersion: '8', annotations } }))).toMatchObject({
      endsInitialEvents: true,
    });
    expect(read(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' }))).toMatchObject({
      kind: 'error',
      error: { failure: 'refused', status: 410, reason: 'Expired' },
    });
  });

  it.each(['', '{', '5', 'null', '[]', '{}', event('ADDED', {}), event('MOVED', object), event('ADDED', [])])(
    'that is none (%s) is an error, never skipped (kubernetes/K22)',
    (text) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ failure: 'malformed' }));
    },
  );

  it('has the key of its object', () => {
    expect(keyOf(object)).toBe('shop/web');
    expect(keyOf({ metadata: { name: 'node-1' } })).toBe('node-1');
  });
});
