import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkAddresses, checkUrl, type EgressRules } from './egress-guard.ts';
import { fetchText } from './fetch-text.ts';

const anywhere: EgressRules = { hosts: undefined, apiServers: ['10.96.0.1', 'kubernetes.default.svc'] };
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const limits = { timeoutMs: 2_000, maximumBytes: 100 };
const fetchFrom = (host: string, rules: EgressRules = { hosts: [host], apiServers: [] }, path = '/') =>
  fetchText(`http://${host}${path}`, rules, limits, new AbortController().signal);

describe('the way out', () => {
  it.each([
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://169.254.169.254/latest',
    'http://0.0.0.0/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://[64:ff9b::7f00:1]/',
    'http://100.100.100.200/',
    'http://localhost/',
    'https://10.96.0.1/',
    'https://kubernetes.default.svc/',
    'https://kubernetes.default.svc./',
    'https://user:password@issuer.example/',
    'file:///etc/passwd',
  ])('does not lead to %s (reliability/S9)', async (address) => {
    const refused = fetchText(address, anywhere, limits, new AbortController().signal);
    await expect(refused).rejects.toMatchObject({ name: 'EgressRefused' });
  });

  it('leads to hosts of the inside and of the outside (reliability/S9)', () => {
    for (const address of ['https://issuer.example/keys', 'http://10.0.0.7:8080/']) {
      expect(() => checkUrl(new URL(address), anywhere)).not.toThrow();
    }
    expect(() => checkAddresses(new URL('http://a/'), ['10.0.0.7', '2001:db8::1'], anywhere)).not.toThrow();
    expect(() => checkAddresses(new URL('http://a/'), ['10.0.0.7', '127.0.0.1'], anywhere)).toThrow('127.0.0.1');
  });

  it('leads to named hosts only, if any is named, whatever their addresses', async () => {
    const host = await serve((_, response) => response.end('keys'));
    expect(await fetchFrom(host)).toBe('keys');
    await expect(fetchFrom(host, { hosts: ['issuer.example'], apiServers: [] })).rejects.toMatchObject({
      name: 'EgressRefused',
    });
  });

  it('follows a redirect within the host, and to no other one (reliability/S9)', async () => {
    const other = await serve((_, response) => response.end('secret'));
    const host = await serve((request, response) => {
      const target = { '/near': '/keys', '/far': `http://${other}/`, '/round': '/round' }[request.url ?? ''];
      if (target === undefined) response.end('keys');
      else response.writeHead(302, { location: target }).end();
    });
    const rules = { hosts: [host, other], apiServers: [] };
    expect(await fetchFrom(host, rules, '/near')).toBe('keys');
    await expect(fetchFrom(host, rules, '/far')).rejects.toMatchObject({ name: 'EgressRefused' });
    await expect(fetchFrom(host, rules, '/round')).rejects.toThrow('redirects more than');
  });

  it('takes no more than its share of bytes and time (reliability/S9)', async () => {
    const large = await serve((_, response) => response.end('x'.repeat(200)));
    await expect(fetchFrom(large)).rejects.toThrow('more than 100 bytes');
    const silent = await serve(() => undefined);
    const rules = { hosts: [silent], apiServers: [] };
    const brief = { timeoutMs: 50, maximumBytes: 100 };
    await expect(fetchText(`http://${silent}/`, rules, brief, new AbortController().signal)).rejects.toThrow('aborted');
  });

  it('takes no other answer than 200', async () => {
    const host = await serve((_, response) => response.writeHead(404).end('{"keys":[]}'));
    await expect(fetchFrom(host)).rejects.toThrow('answers 404');
  });
});
