/** What policies decide about calls: one table, for the judgement that `weir authz check` gives and for real proxies (reliability R73). */

export interface Case {
  readonly name: string;
  /** Specs of AuthorizationPolicies for one workload. */
  readonly policies: readonly object[];
  /** `tcp`: its port carries connections that are not looked into. */
  readonly protocol?: 'tcp';
  readonly calls: readonly ACall[];
}

export interface ACall {
  /** `namespace/account` of the caller's certificate, in another trust domain `trust-domain/namespace/account`; undefined: in the clear. */
  readonly as?: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Content of a sound token. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly allowed: boolean;
}

export const ownHost = 'web.shop.svc.cluster.local';

const yes = (call: Omit<ACall, 'allowed'> = {}): ACall => ({ ...call, allowed: true });
const no = (call: Omit<ACall, 'allowed'> = {}): ACall => ({ ...call, allowed: false });
const from = (source: object) => [{ from: [{ source }] }];
const to = (operation: object) => [{ to: [{ operation }] }];
const when = (key: string, ...values: readonly string[]) => [{ when: [{ key, values }] }];
const allow = (rules: readonly object[]) => ({ rules });
const deny = (rules: readonly object[]) => ({ action: 'DENY', rules });

export const issuer = 'https://issuer.example';
const ann = { iss: issuer, sub: 'ann', aud: ['web', 'app'], groups: ['staff', 'admin'], scope: 'read write' };

/** Identities (Z1 to Z4). */
const identities: readonly Case[] = [
  {
    name: 'nothing said: everything is allowed (policy/P140)',
    policies: [],
    calls: [yes(), yes({ as: 'shop/cart' })],
  },
  {
    name: 'an empty policy denies everything (policy/P140)',
    policies: [{}],
    calls: [no(), no({ as: 'shop/cart' })],
  },
  {
    name: 'a rule without conditions matches everything (policy/P140)',
    policies: [allow([{}])],
    calls: [yes(), yes({ as: 'shop/cart' })],
  },
  {
    name: 'DENY beats ALLOW (policy/P140)',
    policies: [allow([{}]), deny(from({ namespaces: ['bad'] }))],
    calls: [yes({ as: 'shop/cart' }), no({ as: 'bad/cart' })],
  },
  {
    name: 'ALLOW principals, exact (policy/Z1)',
    policies: [allow(from({ principals: ['cluster.local/ns/shop/sa/cart'] }))],
    calls: [yes({ as: 'shop/cart' }), no({ as: 'shop/cart2' }), no({ as: 'shop2/cart' }), no()],
  },
  {
    name: 'ALLOW principals, prefix, suffix and presence (policy/Z1)',
    policies: [allow(from({ principals: ['cluster.local/ns/shop/*', '*/sa/cart'] }))],
    calls: [yes({ as: 'shop/any' }), yes({ as: 'other/cart' }), no({ as: 'other/any' }), no()],
  },
  {
    name: 'ALLOW any principal: whoever has a certificate (policy/Z1, reliability/S13)',
    policies: [allow(from({ principals: ['*'] }))],
    calls: [yes({ as: 'other/any' }), no()],
  },
  {
    name: 'identities of aliases of the trust domain are the same (policy/Z1)',
    policies: [allow(from({ principals: ['cluster.local/ns/shop/sa/cart'] }))],
    calls: [yes({ as: 'old.example/shop/cart' }), no({ as: 'foreign.example/shop/cart' })],
  },
  {
    name: 'ALLOW notPrincipals does not let in who has no certificate (reliability/S13)',
    policies: [allow(from({ notPrincipals: ['cluster.local/ns/shop/sa/cart'] }))],
    calls: [no({ as: 'shop/cart' }), yes({ as: 'shop/other' }), no()],
  },
  {
    name: 'DENY principals keeps out who has no certificate (reliability/S13)',
    policies: [deny(from({ principals: ['cluster.local/ns/shop/sa/cart'] }))],
    calls: [no({ as: 'shop/cart' }), yes({ as: 'shop/other' }), no()],
  },
  {
    name: 'DENY notNamespaces keeps out who has no certificate (reliability/S13)',
    policies: [deny(from({ notNamespaces: ['shop'] }))],
    calls: [yes({ as: 'shop/cart' }), no({ as: 'other/cart' }), no()],
  },
  {
    name: 'ALLOW namespaces: whole names, no regular expressions (policy/Z2, reliability/S10)',
    policies: [allow(from({ namespaces: ['a.b', 'team-*', '*-prod'] }))],
    calls: [
      yes({ as: 'a.b/x' }),
      no({ as: 'axb/x' }),
      yes({ as: 'team-1/x' }),
      no({ as: 'ateam-1/x' }),
      yes({ as: 'shop-prod/x' }),
      no({ as: 'shop-prod2/x' }),
      no(),
    ],
  },
  {
    name: 'a namespace is not found in a name of an account (policy/Z2)',
    policies: [allow(from({ namespaces: ['shop'] }))],
    calls: [no({ as: 'other/shop' }), no({ as: 'shop2/shop' }), yes({ as: 'shop/x' })],
  },
  {
    name: 'ALLOW serviceAccounts, of the own namespace and of another (policy/Z3)',
    policies: [allow(from({ serviceAccounts: ['cart', 'other/a.b'] }))],
    calls: [
      yes({ as: 'shop/cart' }),
      yes({ as: 'other/a.b' }),
      no({ as: 'other/axb' }),
      no({ as: 'other/cart' }),
      no({ as: 'shop/mycart' }),
      no(),
    ],
  },
  {
    name: 'ALLOW trustDomains (policy/Z4)',
    policies: [allow(from({ trustDomains: ['foreign.example'] }))],
    calls: [yes({ as: 'foreign.example/shop/cart' }), no({ as: 'shop/cart' }), no()],
  },
  {
    name: 'conditions on identities (policy/Z12)',
    policies: [
      allow([
        {
          when: [
            { key: 'source.namespace', values: ['shop'] },
            { key: 'source.principal', notValues: ['*/sa/cart'] },
          ],
        },
      ]),
    ],
    calls: [yes({ as: 'shop/other' }), no({ as: 'shop/cart' }), no({ as: 'other/other' }), no()],
  },
  {
    name: 'fields of a source are all asked for, sources and rules are alternatives (policy/P141)',
    policies: [
      allow([
        {
          from: [
            { source: { namespaces: ['shop'], serviceAccounts: ['shop/cart', 'other/cart'] } },
            { source: { namespaces: ['third'] } },
          ],
          to: [{ operation: { methods: ['GET'] } }],
        },
        { from: [{ source: { principals: ['cluster.local/ns/root/sa/root'] } }] },
      ]),
    ],
    calls: [
      yes({ as: 'shop/cart' }),
      no({ as: 'shop/other' }),
      no({ as: 'other/cart' }),
      yes({ as: 'third/x' }),
      no({ as: 'third/x', method: 'POST' }),
      yes({ as: 'root/root', method: 'POST' }),
    ],
  },
];

/** Addresses (Z6, Z12): everybody calls from 127.0.0.1. */
const addresses: readonly Case[] = [
  {
    name: 'ALLOW ipBlocks (policy/Z6)',
    policies: [allow(from({ ipBlocks: ['127.0.0.0/8'] }))],
    calls: [yes(), yes({ as: 'shop/cart' })],
  },
  {
    name: 'DENY ipBlocks (policy/Z6)',
    policies: [deny(from({ ipBlocks: ['127.0.0.1'] }))],
    calls: [no()],
  },
  {
    name: 'ALLOW notIpBlocks (policy/Z6)',
    policies: [allow(from({ notIpBlocks: ['127.0.0.0/8'] }))],
    calls: [no()],
  },
  {
    name: 'ALLOW by condition on addresses (policy/Z12)',
    policies: [
      allow([
        {
          when: [
            { key: 'source.ip', values: ['127.0.0.1'] },
            { key: 'destination.ip', values: ['127.0.0.0/8'] },
            { key: 'destination.port', values: ['8080'] },
          ],
        },
      ]),
      allow(when('source.ip', '10.0.0.0/8')),
    ],
    calls: [yes()],
  },
];

/** Operations (Z7 to Z11). */
const operations: readonly Case[] = [
  {
    name: 'ALLOW hosts, whatever their case; a port counts (policy/Z7, policy/P603)',
    policies: [allow(to({ hosts: ['Web.example', '*.shop.example'] }))],
    calls: [
      yes({ host: 'web.EXAMPLE' }),
      no({ host: 'web.example:80' }),
      no({ host: 'web.example.' }),
      no({ host: 'webxexample' }),
      yes({ host: 'a.shop.example' }),
      no({ host: 'a.shop.example:80' }),
      no({ host: 'shop.example' }),
    ],
  },
  {
    name: 'DENY hosts with any port, any case and the dot of a full name (policy/Z7, reliability/S12)',
    policies: [deny(to({ hosts: ['web.example', '*.shop.example'] }))],
    calls: [
      no({ host: 'web.example' }),
      no({ host: 'WEB.example' }),
      no({ host: 'web.example:80' }),
      no({ host: 'web.example.' }),
      no({ host: 'web.example.:8080' }),
      no({ host: 'A.shop.example:80' }),
      yes({ host: 'other.example' }),
    ],
  },
  {
    name: 'ALLOW methods (policy/Z9)',
    policies: [allow(to({ methods: ['GET', 'P*'] }))],
    calls: [yes(), yes({ method: 'PUT' }), no({ method: 'DELETE' })],
  },
  {
    name: 'ALLOW ports of the workload (policy/Z8)',
    policies: [allow(to({ ports: ['8080'] }))],
    calls: [yes()],
  },
  {
    name: 'DENY ports of the workload (policy/Z8)',
    policies: [deny(to({ notPorts: ['8080'] }))],
    calls: [yes()],
  },
  {
    name: 'ALLOW paths: exact, prefix, suffix and template (policy/Z10)',
    policies: [allow(to({ paths: ['/exact', '/pre/*', '*.html', '/t/{*}/end', '/deep/{**}'] }))],
    calls: [
      yes({ path: '/exact' }),
      yes({ path: '/exact?query=/pre/' }),
      no({ path: '/exact/' }),
      no({ path: '/exac' }),
      yes({ path: '/pre/a/b' }),
      no({ path: '/pre' }),
      yes({ path: '/a/b.html' }),
      no({ path: '/a?b.html' }),
      yes({ path: '/t/x/end' }),
      no({ path: '/t/x/y/end' }),
      yes({ path: '/deep/a/b/c' }),
    ],
  },
  {
    name: 'ALLOW notPaths (policy/Z10)',
    policies: [allow(to({ notPaths: ['/admin*'] }))],
    calls: [yes({ path: '/a' }), no({ path: '/admin' }), no({ path: '/admin/x' })],
  },
  {
    name: 'a dot in a path is a dot (reliability/S10)',
    policies: [deny(to({ paths: ['/a.b', '/(x)+'] }))],
    calls: [no({ path: '/a.b' }), yes({ path: '/axb' }), no({ path: '/(x)+' }), yes({ path: '/xx' })],
  },
  {
    name: 'DENY paths in any of their forms (reliability/S12)',
    policies: [deny(to({ paths: ['/admin', '/secret/*', '/team/{*}/keys'] }))],
    calls: [
      no({ path: '/admin' }),
      no({ path: '//admin' }),
      no({ path: '/./admin' }),
      no({ path: '/x/../admin' }),
      no({ path: '/%61dmin' }),
      no({ path: '/admin?x' }),
      no({ path: '/admin;x=1' }),
      no({ path: '/x/..//admin' }),
      no({ path: '/secret//key' }),
      no({ path: '/secret;v=1/key' }),
      no({ path: '/secret%2Fkey' }),
      no({ path: '/secret%2fkey' }),
      no({ path: '/secret%5Ckey' }),
      no({ path: '/team/a/keys' }),
      no({ path: '/team/a;x/keys' }),
      yes({ path: '/administrator' }),
      yes({ path: '/secrets' }),
      yes({ path: '/team/a/b/keys' }),
    ],
  },
  {
    name: 'DENY paths as long as they may be (reliability/S12)',
    policies: [deny(to({ paths: ['/a'.repeat(512), '/b'.repeat(40), '/.+?()[]|^$-'.repeat(80)] }))],
    calls: [no({ path: '//a'.repeat(512) }), no({ path: '/b;x'.repeat(40) }), yes({ path: '/b'.repeat(41) })],
  },
  {
    name: 'ALLOW header by condition (policy/Z11)',
    policies: [allow(when('request.headers[X-Role]', 'admin', 'super-*'))],
    calls: [
      yes({ headers: { 'x-role': 'admin' } }),
      yes({ headers: { 'x-role': 'super-user' } }),
      no({ headers: { 'x-role': 'user' } }),
      no(),
    ],
  },
  {
    name: 'DENY unless a header is there (policy/Z11)',
    policies: [{ action: 'DENY', rules: [{ when: [{ key: 'request.headers[x-role]', notValues: ['*'] }] }] }],
    calls: [yes({ headers: { 'x-role': 'any' } }), no()],
  },
];

/** Tokens (Z5, Z13). */
const tokens: readonly Case[] = [
  {
    name: 'ALLOW requestPrincipals; slashes belong to either part (policy/Z5)',
    policies: [allow(from({ requestPrincipals: [`${issuer}/ann`, `${issuer}/team/*`, '*/root'] }))],
    calls: [
      yes({ claims: ann }),
      no({ claims: { ...ann, sub: 'bob' } }),
      yes({ claims: { ...ann, sub: 'team/x' } }),
      yes({ claims: { ...ann, sub: 'root' } }),
      no(),
    ],
  },
  {
    name: 'DENY who shows no token (policy/J5, policy/Z5)',
    policies: [deny(from({ notRequestPrincipals: ['*'] }))],
    calls: [yes({ claims: ann }), no()],
  },
  {
    name: 'ALLOW by claims: texts, lists, words and nested ones (policy/Z13)',
    policies: [
      allow([
        {
          when: [
            { key: 'request.auth.claims[groups]', values: ['admin'] },
            { key: 'request.auth.audiences', values: ['web'] },
            { key: 'request.auth.principal', values: [`${issuer}/*`] },
          ],
        },
        { when: [{ key: 'request.auth.claims[realm][role]', values: ['boss*'] }] },
        { when: [{ key: 'request.auth.presenter', values: ['portal'] }] },
      ]),
    ],
    calls: [
      yes({ claims: ann }),
      no({ claims: { ...ann, groups: ['staff'] } }),
      no({ claims: { ...ann, groups: 'administrator' } }),
      yes({ claims: { ...ann, groups: 'admin' } }),
      yes({ claims: { iss: issuer, sub: 'x', realm: { role: ['boss-1'] } } }),
      yes({ claims: { iss: issuer, sub: 'x', azp: 'portal' } }),
      no(),
    ],
  },
];

/** Connections that are not looked into (Z20). */
const connections: readonly Case[] = [
  {
    name: 'connections by identity (policy/Z20)',
    protocol: 'tcp',
    policies: [allow(from({ namespaces: ['shop'] }))],
    calls: [yes({ as: 'shop/cart' }), no({ as: 'other/cart' }), no()],
  },
  {
    name: 'DENY with a suffix holds for connections (reliability/S11)',
    protocol: 'tcp',
    policies: [deny(from({ principals: ['*/sa/cart'] }))],
    calls: [no({ as: 'shop/cart' }), yes({ as: 'shop/other' }), no()],
  },
  {
    name: 'DENY of addresses and ports of connections (policy/Z20)',
    protocol: 'tcp',
    policies: [deny([{ from: [{ source: { ipBlocks: ['127.0.0.1'] } }], to: [{ operation: { ports: ['8080'] } }] }])],
    calls: [no()],
  },
  {
    name: 'an ALLOW rule with fields of requests allows no connection (policy/Z20)',
    protocol: 'tcp',
    policies: [allow([...to({ methods: ['GET'] }), ...from({ namespaces: ['shop'] })])],
    calls: [no(), yes({ as: 'shop/cart' })],
  },
  {
    name: 'a DENY rule with fields of requests denies connections by the rest of it (policy/Z20)',
    protocol: 'tcp',
    policies: [deny([{ from: [{ source: { namespaces: ['bad'] } }], to: [{ operation: { paths: ['/x'] } }] }])],
    calls: [no({ as: 'bad/x' }), yes({ as: 'shop/x' })],
  },
  {
    name: 'an empty policy denies connections (policy/P140)',
    protocol: 'tcp',
    policies: [{}],
    calls: [no({ as: 'shop/cart' })],
  },
];

/** Whom to ask, and what cannot be read. */
const closed: readonly Case[] = [
  {
    name: 'CUSTOM with a provider that is not there denies what matches (policy/P427)',
    policies: [{ action: 'CUSTOM', provider: { name: 'nobody' }, rules: to({ paths: ['/asked'] }) }],
    calls: [no({ path: '/asked' }), no({ path: '//asked' }), yes({ path: '/other' })],
  },
  {
    name: 'a DENY policy that is wrong denies everything',
    policies: [deny([{ to: [{ operation: { paths: ['/a*b'] } }] }])],
    calls: [no(), no({ path: '/other' })],
  },
  {
    name: 'an ALLOW policy that is wrong allows nothing, others hold',
    policies: [allow([{ to: [{ operation: { pathes: ['/a'] } }] }]), allow(to({ paths: ['/b'] }))],
    calls: [no({ path: '/a' }), yes({ path: '/b' })],
  },
  {
    name: 'AUDIT decides nothing (policy/P140)',
    policies: [{ action: 'AUDIT', rules: [{}] }],
    calls: [yes()],
  },
];

export const cases: readonly Case[] = [
  ...identities,
  ...addresses,
  ...operations,
  ...tokens,
  ...connections,
  ...closed,
];
