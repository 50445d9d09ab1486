import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-authz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

writeFileSync(
  join(folder, 'mesh.yaml'),
  `apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp-db, port: 3306}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: shop, labels: {app: web}}
spec: {containers: [{name: app}]}
status: {podIP: 10.0.0.7}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  rules:
  - from: [{source: {serviceAccounts: [cart]}}]
    to: [{operation: {paths: [/orders*], methods: [GET]}}]
  - when: [{key: 'request.auth.claims[groups]', values: [staff]}, {key: 'request.headers[x-team]', values: [a]}]
`,
);

async function check(...words: readonly string[]) {
  let [out, err] = ['', ''];
  const exitCode = await run({
    arguments: ['authz', 'check', ...words, '--files', folder],
    environment: {},
    out: { write: (text) => (out += text), isTerminal: false, colours: false },
    err: { write: (text) => (err += text), isTerminal: false, colours: false },
    now: () => 0,
    untilStopped: () => AbortSignal.abort(),
    onCrash: () => undefined,
  });
  return { exitCode, out, err };
}

describe('weir authz check', () => {
  it('says by which rule and fields a call is allowed', async () => {
    const { exitCode, out } = await check('shop/cart', 'shop/web', 'GET', 'http://web.shop/orders/7');
    expect(exitCode).toBe(0);
    expect(out).toMatch(
      /^shop\/web-1 port 8080: allowed\n {2}allowed by AuthorizationPolicy shop\/web, spec\.rules\[0\]/,
    );
    expect(out).toContain('mesh.yaml:18');
    expect(out).toContain('spec.rules[0].from[0].source.serviceAccounts');
  });

  it('says which fields of which rules do not fit when none allows', async () => {
    const { exitCode, out } = await check('shop/cart', 'shop/web-1', 'POST', 'http://web.shop/orders');
    expect(exitCode).toBe(1);
    expect(out).toContain('does not fit spec.rules[0].to[0].operation.methods\n');
    expect(out).toContain('does not fit spec.rules[1].when[0].values and spec.rules[1].when[1].values\n');
  });

  it('takes headers and the content of a token', async () => {
    const claims = '{"iss":"https://issuer.example","sub":"ann","groups":["staff"]}';
    const call = ['-', 'shop/web', 'GET', 'http://web.shop/'];
    expect(await check(...call, '-H', 'x-team: a', '--jwt-claims', claims)).toMatchObject({ exitCode: 0 });
    expect(await check(...call, '--jwt-claims', claims)).toMatchObject({ exitCode: 1 });
  });

  it('judges a connection by what is known of it', async () => {
    const { exitCode, out } = await check('shop/cart', 'shop/web', 'GET', 'tcp://web.shop:3306', '-o', 'json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(out)).toMatchObject([{ port: 3306, judgement: { allowed: false } }]);
  });

  it.each([
    ['a caller', ['cart', 'shop/web', 'GET', 'http://a/']],
    ['an address', ['shop/cart', 'shop/web', 'GET', '/orders']],
    ['claims', ['shop/cart', 'shop/web', 'GET', 'http://a/', '--jwt-claims', '[]']],
    ['a header', ['shop/cart', 'shop/web', 'GET', 'http://a/', '-H', 'x']],
    ['a workload', ['shop/cart', 'web', 'GET', 'http://a/']],
  ])('refuses what is not %s', async (_, words) => {
    expect(await check(...words)).toMatchObject({ exitCode: 2, out: '' });
  });

  it('does not answer for a workload that is not there', async () => {
    const { exitCode, err } = await check('shop/cart', 'shop/nobody', 'GET', 'http://a/');
    expect(exitCode).toBe(1);
    expect(err).toContain('there is no workload');
  });
});
