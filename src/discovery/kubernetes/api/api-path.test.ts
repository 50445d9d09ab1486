import { describe, expect, it } from 'vitest';
import { apiPath } from './api-path.ts';
import { readRetryAfter } from './status.ts';

describe('the path of', () => {
  const pods = { group: '', version: 'v1', plural: 'pods' };
  const slices = { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' };

  it.each([
    ['a collection of the core group', apiPath(pods), '/api/v1/pods'],
    ['a collection of another group', apiPath(slices), '/apis/discovery.k8s.io/v1/endpointslices'],
    ['one namespace of it', apiPath(pods, { namespace: 'shop' }), '/api/v1/namespaces/shop/pods'],
    [
      'a part of an object',
      apiPath(slices, { namespace: 'shop', name: 'web', subresource: 'status' }),
      '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/web/status',
    ],
    ['an object with a strange name', apiPath(pods, { name: '../a b' }), '/api/v1/pods/..%2Fa%20b'],
  ])('%s', (_what, path, expected) => {
    expect(path).toBe(expected);
  });
});

describe('Retry-After', () => {
  it.each([
    ['3', 3000],
    ['Fri, 31 Dec 1999 23:59:59 GMT', 2000],
    ['Fri, 31 Dec 1999 23:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => {
    expect(readRetryAfter(header, Date.parse('1999-12-31T23:59:57Z'))).toBe(expected);
  });
});
