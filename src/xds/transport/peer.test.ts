import { expect, it } from 'vitest';
import { urisOf } from './peer.ts';

it.each([
  [undefined, []],
  ['URI:spiffe://mesh/ns/shop/sa/web', ['spiffe://mesh/ns/shop/sa/web']],
  ['DNS:web, URI:spiffe://mesh/a, IP Address:10.0.0.1, URI:spiffe://mesh/b', ['spiffe://mesh/a', 'spiffe://mesh/b']],
  // Node quotes what could be taken for several names.
  ['DNS:"web, URI:spiffe://mesh/forged"', []],
  ['URI:"spiffe://mesh/a, URI:spiffe://mesh/b"', ['spiffe://mesh/a, URI:spiffe://mesh/b']],
  ['URI:spiffe://mesh/a, "URI:spiffe://mesh/b', []],
])('reads the URIs of %s (reliability/S42)', (text, uris) => {
  expect(urisOf(text)).toEqual(uris);
});
