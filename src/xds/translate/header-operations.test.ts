import { describe, expect, it } from 'vitest';
import { someHeaders } from '../../../test/support/routing-builders.ts';
import { headerFields } from './header-operations.ts';

describe('header operations', () => {
  it('are sorted by name, for requests and responses (policy/A4)', () => {
    const fields = headerFields(
      someHeaders(
        {
          set: [
            ['x-b', '2'],
            ['x-a', '1'],
          ],
          remove: ['x-d', 'x-c'],
        },
        { add: [['x-e', '3']], remove: ['via'] },
      ),
    );
    expect(fields.requestHeadersToAdd.map(({ header }) => header)).toEqual([
      { key: 'x-a', value: '1' },
      { key: 'x-b', value: '2' },
    ]);
    expect(fields.requestHeadersToRemove).toEqual(['x-c', 'x-d']);
    expect(fields.responseHeadersToAdd).toEqual([
      { header: { key: 'x-e', value: '3' }, appendAction: 'APPEND_IF_EXISTS_OR_ADD', keepEmptyValue: false },
    ]);
    expect(fields.responseHeadersToRemove).toEqual(['via']);
  });

  it('leave out the host and pseudo headers (policy/A4)', () => {
    const fields = headerFields(
      someHeaders({
        set: [
          ['Host', 'a'],
          [':path', '/'],
          ['x-a', '1'],
        ],
        remove: ['host', ':method'],
      }),
    );
    expect(fields.requestHeadersToAdd.map(({ header }) => header?.key)).toEqual(['x-a']);
    expect(fields.requestHeadersToRemove).toEqual([]);
  });

  it('keep a header that is set to nothing', () => {
    expect(headerFields(someHeaders({ set: [['x-a', '']] })).requestHeadersToAdd[0]?.keepEmptyValue).toBe(true);
  });
});
