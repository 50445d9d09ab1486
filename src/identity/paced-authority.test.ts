import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anAuthority, signedOf, SteppedClock, web, webUri } from '../../test/support/authorities.ts';
import { aRequest } from '../../test/support/certificate-requests.ts';
import { silentLog, type LogFields } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { PacedAuthority } from './paced-authority.ts';

async function aPacedAuthority(wrong: Partial<CertificateAuthority> = {}) {
  const clock = new SteppedClock();
  const stored = anAuthority({ clock });
  await stored.open();
  const metrics = createMetrics({ version: '1', uptime: () => 1, processMetrics: false });
  const lines: LogFields[] = [];
  const note = (message: string, fields: LogFields = {}): void => void lines.push({ message, ...fields });
  const inner: CertificateAuthority = {
    trustDomain: stored.trustDomain,
    trustBundle: stored.trustBundle,
    sign: (...ask) => stored.sign(...ask),
    issue: (subject) => stored.issue(subject),
    issueServer: (names) => stored.issueServer(names),
    follow: (changed) => stored.follow(changed),
    ...wrong,
  };
  const log = { ...silentLog, info: note, warn: note };
  const authority = new PacedAuthority({ authority: inner, clock, log, metrics });
  return { clock, authority, lines, metrics };
}

describe('reliability/S67: the log', () => {
  it('has a line for every certificate', async () => {
    const { authority, lines } = await aPacedAuthority();
    const { chain } = signedOf(await authority.sign(web, aRequest()));
    signedOf(await authority.issue(web));
    signedOf(await authority.issueServer(['weir.weir-system.svc']));
    const { serialNumber: serial } = new X509Certificate(chain[0] ?? '');
    const message = 'audit: a certificate was issued';
    expect(lines).toMatchObject([
      { message, identity: webUri, instance: web.instance, for: 'request', serial, ends: '2026-01-02T00:00:00.000Z' },
      { message, identity: webUri, instance: web.instance, for: 'key' },
      { message, names: ['weir.weir-system.svc'], for: 'server' },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/BEGIN|PRIVATE/);
  });

  it('has a line for every refusal', async () => {
    const { authority, lines } = await aPacedAuthority();
    await authority.sign(web, 'none');
    for (let n = 0; n < 5; n++) await authority.issue(web);
    const message = 'audit: a certificate was refused';
    expect(lines.filter((line) => line['message'] === message)).toMatchObject([
      { identity: webUri, kind: 'invalid', reason: 'is no PEM of a CERTIFICATE REQUEST' },
      { identity: webUri, kind: 'busy', reason: 'is one of more than 5 of this workload in a minute' },
    ]);
  });
});

it('istio-compat/I165: counts in Istio’s names', async () => {
  const { authority, metrics } = await aPacedAuthority();
  await authority.sign(web, aRequest());
  await authority.sign(web, 'none');
  const text = await metrics.expose();
  expect(text).toContain('citadel_server_csr_count 2');
  expect(text).toContain('citadel_server_success_cert_issuance_count 1');
  expect(text).toContain('citadel_server_csr_parsing_err_count 1');
  expect(text).toContain('weir_certificates_issued_total{for="request"} 1');
  expect(text).toContain('weir_certificate_refusals_total{reason="invalid"} 1');
});

it('reliability/R65: stops trying what fails every time, says so, and tries again', async () => {
  let tries = 0;
  let isBroken = true;
  const good = await aPacedAuthority();
  const { clock, authority, metrics } = await aPacedAuthority({
    issueServer: (names) => {
      tries++;
      return isBroken ? Promise.reject(new Error('the key is gone')) : good.authority.issueServer(names);
    },
  });
  for (let n = 0; n < 20; n++) expect(await authority.issueServer(['a'])).toMatchObject({ kind: 'unavailable' });
  expect(tries).toBe(5);
  expect(await metrics.expose()).toContain('weir_certificate_circuit_open 1');
  clock.pass(10_000);
  await authority.issueServer(['a']);
  await authority.issueServer(['a']);
  expect(tries).toBe(6);
  isBroken = false;
  clock.pass(10_000);
  expect(await authority.issueServer(['a'])).toMatchObject({ kind: 'signed' });
  expect(await metrics.expose()).toContain('weir_certificate_circuit_open 0');
});
