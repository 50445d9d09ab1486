import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExtKeyUsage } from 'pkijs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { anAuthority, MemoryStore, signedOf, SteppedClock, web, webUri } from '../../test/support/authorities.ts';
import { alternativeNames, aRequest, dnsName, extension } from '../../test/support/certificate-requests.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { readInstance } from './instance.ts';
import { longestLifetime } from './lifetime.ts';
import { makeKey } from './make-root.ts';
import { AuthorityError } from './signer.ts';

async function anOpenAuthority(options: Parameters<typeof anAuthority>[0] = {}) {
  const authority = anAuthority(options);
  await authority.open();
  return authority;
}

/** Has a program read PEM, each text in a file of its own, whose paths the arguments are made of. */
function openssl(texts: readonly string[], argumentsOf: (paths: readonly string[]) => readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'authority-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const paths = texts.map((text, index) => {
    const path = join(directory, `${index}.pem`);
    writeFileSync(path, text);
    return path;
  });
  return execFileSync('openssl', argumentsOf(paths), { encoding: 'utf8', stdio: 'pipe' });
}

function verify(authority: CertificateAuthority, [leaf = '', ...intermediates]: readonly string[]): string {
  return openssl(
    [authority.trustBundle, leaf, intermediates.join('') || leaf],
    ([roots = '', own = '', others = '']) => [
      ...['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', roots, '-untrusted', others, own],
    ],
  );
}

describe('the certificate of a workload', () => {
  it('istio-compat/I53, reliability/S60: is what peers expect, by openssl', async () => {
    const authority = await anOpenAuthority();
    const { chain } = signedOf(await authority.sign(web, aRequest()));
    const text = openssl([...chain], ([leaf = '']) => ['x509', '-in', leaf, '-noout', '-text']);
    expect(text).toMatch(/Subject: *\n/);
    // Of the name nothing is there, not even a set without names.
    const form = openssl([...chain], ([leaf = '']) => ['asn1parse', '-in', leaf]);
    expect(form).toMatch(/UTCTIME[^\n]*\n *\d+:d=2 +hl=2 l= +0 cons: SEQUENCE/);
    expect(text).toMatch(/Subject Alternative Name: critical\s+URI:spiffe:\/\/cluster.local\/ns\/shop\/sa\/web\n/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE\n/);
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature, Key Encipherment\n/);
    expect(text).toMatch(/Extended Key Usage: *\n\s+TLS Web Server Authentication, TLS Web Client Authentication\n/);
    expect(verify(authority, chain)).toContain('OK');
  });

  it('istio-compat/I50, reliability/S27: names who the caller is, whatever the request is about', async () => {
    const authority = await anOpenAuthority();
    const codeSigning = extension(
      '2.5.29.37',
      new ExtKeyUsage({ keyPurposes: ['1.3.6.1.5.5.7.3.3'] }).toSchema().toBER(),
    );
    const [leaf = ''] = signedOf(await authority.sign(web, aRequest({ asking: [[codeSigning]] }))).chain;
    expect(new X509Certificate(leaf)).toMatchObject({
      subjectAltName: `URI:${webUri}`,
      keyUsage: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
    });
    const foreign = aRequest({ asking: [[alternativeNames(dnsName('istiod.istio-system.svc'))]] });
    expect(await authority.sign(web, foreign)).toMatchObject({ kind: 'invalid' });
  });

  it('reliability/S54: keeps which of the workloads it is, for every replica to read', async () => {
    const authority = await anOpenAuthority();
    const [leaf = ''] = signedOf(await authority.issue(web)).chain;
    expect(readInstance(new X509Certificate(leaf).raw)).toBe(web.instance);
    const [nameless = ''] = signedOf(await authority.issue({ ...web, instance: undefined })).chain;
    expect(readInstance(new X509Certificate(nameless).raw)).toBeUndefined();
  });

  it('reliability/S65, istio-compat/I51: lives as long as was asked, else for 24 h, never longer than its authority', async () => {
    const clock = new SteppedClock();
    const authority = await anOpenAuthority({ clock });
    const begin = clock.time;
    const { notBefore, notAfter } = signedOf(await authority.issue(web));
    expect([notBefore, notAfter]).toEqual([begin - 5 * 60_000, begin + 86_400_000]);
    expect(signedOf(await authority.sign(web, aRequest(), 60)).notAfter).toBe(begin + 60_000);
    expect(await authority.sign(web, aRequest(), longestLifetime + 1)).toMatchObject({ kind: 'invalid' });

    clock.pass(10 * 365 * 86_400_000 - 1000);
    const last = signedOf(await authority.issue(web));
    expect(last.notAfter).toBe(clock.time + 1000);
    const validTo = new X509Certificate(last.chain[0] ?? '').validToDate.getTime();
    expect(validTo).toBe(authority.report?.signer.notAfter);
    clock.pass(1000);
    expect(await authority.issue(web)).toMatchObject({ kind: 'unavailable' });
  });

  it('has a key that fits where Weir makes it', async () => {
    const authority = await anOpenAuthority();
    const { chain, privateKey } = signedOf(await authority.issue(web));
    const key = openssl([privateKey], ([path = '']) => ['pkey', '-in', path, '-pubout']);
    const leaf = openssl([...chain], ([path = '']) => ['x509', '-in', path, '-noout', '-pubkey']);
    expect(leaf).toBe(key);
    expect(openssl([privateKey], ([path = '']) => ['pkey', '-in', path, '-noout', '-text'])).toContain('P-256');
  });

  it.each([
    ['of another trust domain', { ...web, identity: { ...web.identity, trustDomain: 'elsewhere' } }],
    ['that is not ASCII', { ...web, identity: { ...web.identity, namespace: 'läden' } }],
    ['with an endless instance', { ...web, instance: 'x'.repeat(300) }],
  ])('is refused to an identity %s', async (_, subject) => {
    const authority = await anOpenAuthority();
    expect(await authority.sign(subject, aRequest())).toMatchObject({ kind: 'invalid' });
    expect(await authority.issue(subject)).toMatchObject({ kind: 'invalid' });
  });

  it('istio-compat/I49: is refused for now while the authority has not been read', async () => {
    expect(await anAuthority().issue(web)).toMatchObject({ kind: 'unavailable' });
  });
});

it('istio-compat/I27: gives a server a certificate for its names and addresses', async () => {
  const authority = await anOpenAuthority();
  const names = ['weir.weir-system.svc', 'istiod.weir-system.svc', '10.0.0.7', 'fd00::7'];
  const { chain } = signedOf(await authority.issueServer(names));
  const [leaf] = chain.map((pem) => new X509Certificate(pem));
  for (const name of names.slice(0, 2)) expect(leaf?.checkHost(name)).toBe(name);
  expect(leaf?.checkIP('10.0.0.7')).toBe('10.0.0.7');
  expect(leaf?.subjectAltName).toContain('FD00:0:0:0:0:0:0:7');
  expect(verify(authority, chain)).toContain('OK');
});

describe('the store of an authority', () => {
  it('istio-compat/I51: gets a root of ten years where it is empty', async () => {
    const clock = new SteppedClock();
    const authority = await anOpenAuthority({ clock });
    const root = new X509Certificate(authority.trustBundle);
    expect(root.ca).toBe(true);
    expect(root.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(root.validToDate.getTime() - clock.time).toBe(10 * 365 * 86_400_000);
  });

  it('has one root, however many replicas start at once', async () => {
    const store = new MemoryStore();
    const authorities = await Promise.all(Array.from({ length: 5 }, () => anOpenAuthority({ store })));
    expect(new Set(authorities.map(({ trustBundle }) => trustBundle)).size).toBe(1);
    expect(store.writes).toBe(1);
  });

  it('keeps the root over a restart', async () => {
    const store = new MemoryStore();
    const before = await anOpenAuthority({ store });
    const { chain } = signedOf(await before.issue(web));
    const after = await anOpenAuthority({ store });
    expect(after.trustBundle).toBe(before.trustBundle);
    expect(verify(after, chain)).toContain('OK');
  });

  it('tells nothing of what it holds when that cannot be read', async () => {
    const store = new MemoryStore();
    await store.write('{"authority":{"signer":{"key":"SECRET"', undefined);
    await expect(anOpenAuthority({ store })).rejects.toThrow(AuthorityError);
    await expect(anOpenAuthority({ store })).rejects.not.toThrow(/SECRET/);
  });
});

describe('an authority that is plugged in', () => {
  /** Root, intermediate, issuing authority, all by openssl. */
  function anIntermediate(keyArguments: readonly string[] = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']) {
    const directory = mkdtempSync(join(tmpdir(), 'plugged-in-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const run = (...words: readonly string[]): string =>
      execFileSync('openssl', words, { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
    writeFileSync(
      join(directory, 'ca.cnf'),
      'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n',
    );
    run(
      'req',
      '-x509',
      '-nodes',
      ...keyArguments,
      '-keyout',
      'root.key',
      '-out',
      'root.pem',
      '-subj',
      '/O=Shop/CN=Root',
      '-addext',
      'keyUsage=critical,keyCertSign',
      '-days',
      '400',
    );
    const below = (name: string, issuer: string, days: string): void => {
      run(
        'req',
        '-new',
        '-nodes',
        ...keyArguments,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        `/O=Shop/CN=${name}`,
      );
      run(
        ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'],
        ...['-days', days, '-extfile', 'ca.cnf', '-out', `${name}.pem`],
      );
    };
    below('middle', 'root', '300');
    below('issuing', 'middle', '10');
    const text = (name: string): string => execFileSync('cat', [join(directory, name)], { encoding: 'utf8' });
    return {
      'ca-cert.pem': text('issuing.pem'),
      'ca-key.pem': text('issuing.key'),
      'root-cert.pem': text('root.pem'),
      // As Istio's own tool writes it: with the certificate itself and the root in it.
      'cert-chain.pem': text('issuing.pem') + text('middle.pem') + text('root.pem'),
    };
  }

  it.each([
    ['P-256', undefined],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['RSA', ['-newkey', 'rsa:2048']],
  ])('signs with %s, and its chain leads to the root', async (_, keyArguments) => {
    const store = new MemoryStore();
    const files = anIntermediate(keyArguments);
    store.pluggedIn = files;
    const authority = await anOpenAuthority({ store });
    const { chain, notAfter } = signedOf(await authority.sign(web, aRequest(), 60 * 86_400));
    expect(chain).toHaveLength(3);
    expect(verify(authority, chain)).toContain('OK');
    const [issuing] = [new X509Certificate(files['ca-cert.pem'])];
    expect(notAfter).toBe(issuing.validToDate.getTime());
    expect(authority.trustBundle).toBe(new X509Certificate(files['root-cert.pem']).toString());
    expect(authority.report).toMatchObject({ madeBy: 'somebody else' });
    expect(store.writes).toBe(0);
  });

  it('is refused when something about it is wrong', async () => {
    const files = anIntermediate();
    const { privateKey } = await makeKey();
    const other = await anOpenAuthority();
    const [leaf = ''] = signedOf(await other.issue(web)).chain;
    const { 'cert-chain.pem': _, ...chainless } = files;
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ ...files, 'ca-key.pem': privateKey }, /does not belong/],
      [{ ...files, 'ca-key.pem': 'none' }, /ca-key.pem/],
      [{ ...files, 'ca-cert.pem': leaf }, /no certificate of an authority/],
      [{ ...files, 'root-cert.pem': other.trustBundle }, /root-cert.pem must hold the root/],
      [{ ...files, 'root-cert.pem': undefined }, /root-cert.pem/],
      [chainless, /nothing in cert-chain.pem/],
    ];
    for (const [pluggedIn, message] of wrong) {
      const store = new MemoryStore();
      store.pluggedIn = pluggedIn;
      await expect(anOpenAuthority({ store })).rejects.toThrow(message);
    }
  });

  it('has its root trusted beside the one that Weir made, before it signs', async () => {
    const files = anIntermediate();
    const store = new MemoryStore();
    store.pluggedIn = { 'root-cert.pem': files['root-cert.pem'] };
    const authority = await anOpenAuthority({ store });
    const [own = '', further] = authority.trustBundle.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(further).toBe(new X509Certificate(files['root-cert.pem']).toString());
    const { chain } = signedOf(await authority.issue(web));
    expect(new X509Certificate(chain[0] ?? '').checkIssued(new X509Certificate(own))).toBe(true);

    // Then it signs, and what Weir's own root has signed is trusted still.
    const next = new MemoryStore();
    next.pluggedIn = { ...files, 'root-cert.pem': files['root-cert.pem'] + own };
    const after = await anOpenAuthority({ store: next });
    expect(verify(after, chain)).toContain('OK');
    expect(verify(authority, signedOf(await after.issue(web)).chain)).toContain('OK');
  });

  it('is refused beside one that Weir made', async () => {
    const store = new MemoryStore();
    await anOpenAuthority({ store });
    store.pluggedIn = anIntermediate();
    await expect(anOpenAuthority({ store })).rejects.toThrow(/take away one of them/);
  });
});
