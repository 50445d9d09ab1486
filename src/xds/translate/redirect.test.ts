import { expect, it } from 'vitest';
import type { Redirect } from '../../model/routing.ts';
import { toJson } from '../json.ts';
import { directResponseAction, redirectAction } from './redirect.ts';

function redirectOf(redirect: Partial<Redirect>): unknown {
  const whole: Redirect = {
    kind: 'redirect',
    uri: undefined,
    prefix: undefined,
    authority: undefined,
    scheme: undefined,
    port: undefined,
    code: 301,
    ...redirect,
  };
  return toJson('envoy.config.route.v3.RedirectAction', redirectAction(whole, 8080));
}

it.each([
  [
    { uri: '/new', authority: 'new.example.com' },
    { pathRedirect: '/new', hostRedirect: 'new.example.com' },
  ],
  [
    { prefix: '/v2', code: 302 as const },
    { prefixRewrite: '/v2', responseCode: 'FOUND' },
  ],
  [
    { scheme: 'https', code: 308 as const },
    { schemeRedirect: 'https', responseCode: 'PERMANENT_REDIRECT' },
  ],
  [{ port: 9090 }, { portRedirect: 9090 }],
  [{ port: 'from-request' as const }, { portRedirect: 8080 }],
  [{ port: 'from-protocol-default' as const }, {}],
  [{ port: 80 }, {}],
  [{ port: 443, scheme: 'https' }, { schemeRedirect: 'https' }],
  [{ port: 443 }, { portRedirect: 443 }],
])('redirects %j (policy/A5)', (redirect, expected) => {
  expect(redirectOf(redirect)).toEqual(expected);
});

it('answers by itself, with text or bytes (policy/A6)', () => {
  expect(directResponseAction({ kind: 'direct-response', status: 503, body: undefined })).toEqual({ status: 503 });
  expect(directResponseAction({ kind: 'direct-response', status: 200, body: { kind: 'text', text: 'hello' } })).toEqual(
    {
      status: 200,
      body: { inlineString: 'hello' },
    },
  );
  expect(
    directResponseAction({ kind: 'direct-response', status: 200, body: { kind: 'bytes', base64: 'aGk=' } }),
  ).toEqual({
    status: 200,
    body: { inlineBytes: Buffer.from('hi') },
  });
});
