import { describe, expect, it } from 'vitest';
import { domainsOfHost, domainsWithPort, type DomainFacts } from './domains.ts';

function aHost(hostname: string, facts: Partial<DomainFacts> = {}): DomainFacts {
  return {
    hostname,
    namespace: 'shop',
    clusterDomain: 'cluster.local',
    addresses: [],
    membersHaveNames: false,
    ...facts,
  };
}

describe('the domains of a host (policy/P114)', () => {
  it('are all its shortenings for a client of the same namespace', () => {
    expect(domainsOfHost(aHost('cart.shop.svc.cluster.local'))).toEqual({
      declared: ['cart.shop.svc.cluster.local', 'cart.shop.svc.cluster.local.'],
      derived: ['cart', 'cart.shop', 'cart.shop.svc'],
    });
  });

  it('keep the namespace for a client of another one', () => {
    expect(domainsOfHost(aHost('cart.depot.svc.cluster.local')).derived).toEqual(['cart.depot', 'cart.depot.svc']);
  });

  it('are only the name itself for a host outside the cluster', () => {
    expect(domainsOfHost(aHost('API.example.com'))).toEqual({
      declared: ['api.example.com', 'api.example.com.'],
      derived: [],
    });
  });

  it('hold addresses but no blocks, and IPv6 in brackets', () => {
    const addresses = ['10.0.0.7', '10.1.0.0/16', 'fd00::7', '0.0.0.0'];
    expect(domainsOfHost(aHost('api.example.com', { addresses })).derived).toEqual(['10.0.0.7', '[fd00::7]']);
  });

  it('cover the members of a headless service', () => {
    const { derived } = domainsOfHost(aHost('db.shop.svc.cluster.local', { membersHaveNames: true }));
    expect(derived).toEqual([
      'db',
      'db.shop',
      'db.shop.svc',
      '*.db',
      '*.db.shop',
      '*.db.shop.svc',
      '*.db.shop.svc.cluster.local',
      '*.db.shop.svc.cluster.local.',
    ]);
  });

  it('never shorten a wildcard to one that takes everything', () => {
    expect(domainsOfHost(aHost('*.shop.svc.cluster.local')).derived).toEqual(['*.shop', '*.shop.svc']);
  });
});

describe('the domains of a host behind the HTTP proxy port (policy/P351)', () => {
  const domains = domainsOfHost(aHost('api.example.com'));

  it('stand bare on port 80 only', () => {
    expect(domainsWithPort(domains, 80).declared).toEqual([
      'api.example.com',
      'api.example.com.',
      'api.example.com:80',
      'api.example.com.:80',
    ]);
    expect(domainsWithPort(domains, 8080).declared).toEqual(['api.example.com:8080', 'api.example.com.:8080']);
  });
});
