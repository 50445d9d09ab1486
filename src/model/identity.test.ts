import { describe, expect, it } from 'vitest';
import { parseSpiffeId, spiffeId } from './identity.ts';

describe('a SPIFFE id', () => {
  const web = { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' };

  it('names trust domain, namespace and account', () => {
    expect(spiffeId(web)).toBe('spiffe://cluster.local/ns/shop/sa/web');
    expect(parseSpiffeId('spiffe://cluster.local/ns/shop/sa/web')).toEqual(web);
  });

  it.each([
    '',
    'spiffe://cluster.local',
    'spiffe://cluster.local/ns/shop',
    'spiffe://cluster.local/ns/shop/sa/web/more',
    'spiffe://cluster.local/ns//sa/web',
    'spiffe://Cluster.Local/ns/shop/sa/web',
    'spiffe://cluster.local:1/ns/shop/sa/web',
    'spiffe://cluster.local/ns/shop/sa/web?as=admin',
    'spiffe://cluster.local/ns/shop/sa/w%2Fb',
    'https://cluster.local/ns/shop/sa/web',
    'spiffe://cluster.local/ns/shop/sa/web\n',
  ])('is not read from %j', (text) => {
    expect(parseSpiffeId(text)).toBeUndefined();
  });
});
