import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { checkAddresses, checkUrl, EgressRefused, hostOf, type EgressRules } from './egress-guard.ts';

/** What is asked of others: a text of a bearable size within a bearable time, from where it was asked for. */
export interface FetchLimits {
  readonly timeoutMs: number;
  readonly maximumBytes: number;
}

const mostRedirects = 3;

/**
 * The text at an address. Redirects are followed within the host only.
 *
 * @throws EgressRefused where Weir must not go; an Error when there is no text
 */
export async function fetchText(
  address: string,
  rules: EgressRules,
  { timeoutMs, maximumBytes }: FetchLimits,
  signal: AbortSignal,
): Promise<string> {
  const end = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let url = new URL(address);
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const response = await get(url, rules, end);
    const { statusCode = 0, headers } = response;
    if (statusCode < 300 || statusCode > 399) return readAll(response, url, maximumBytes);
    response.destroy();
    const next = new URL(headers.location ?? '', url);
    if (next.host !== url.host || (url.protocol === 'https:' && next.protocol !== 'https:')) {
      throw new EgressRefused(`${url.origin} redirects to another host, ${next.origin}`);
    }
    url = next;
  }
  throw new Error(`${url.origin} redirects more than ${mostRedirects} times`);
}

async function get(url: URL, rules: EgressRules, signal: AbortSignal): Promise<IncomingMessage> {
  checkUrl(url, rules);
  // A host that is an address is not looked up.
  if (isIP(hostOf(url)) !== 0) checkAddresses(url, [hostOf(url)], rules);
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolveWith, reject) => {
    const headers = { accept: 'application/json, */*', 'user-agent': 'weir' };
    // A connection of its own: one that somebody else opened would not have been checked.
    const sent = send(url, { agent: false, headers, lookup: checkedLookup(url, rules), signal }, resolveWith);
    sent.on('error', reject);
    sent.end();
  });
}

/** Connects to the addresses that were checked, and not to what a second look-up would give. */
function checkedLookup(url: URL, rules: EgressRules): LookupFunction {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) return done(error ?? new Error(`${host} has no address`), '', 0);
      try {
        checkAddresses(
          url,
          addresses.map(({ address }) => address),
          rules,
        );
      } catch (refusal) {
        return done(refusal instanceof Error ? refusal : new Error(String(refusal)), '', 0);
      }
      return options.all === true ? done(null, addresses) : done(null, first.address, first.family);
    });
  };
}

async function readAll(response: IncomingMessage, url: URL, maximumBytes: number): Promise<string> {
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`${url.origin} answers ${response.statusCode ?? 'nothing'}`);
  }
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response) {
    if (!Buffer.isBuffer(piece)) continue;
    size += piece.length;
    if (size > maximumBytes) {
      response.destroy();
      throw new Error(`${url.origin} answers more than ${maximumBytes} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
