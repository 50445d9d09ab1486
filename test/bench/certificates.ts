import { generateKeyPairSync } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { CertificateAuthority, CertificateSubject } from '../../src/identity/certificate-authority.ts';
import { PacedAuthority } from '../../src/identity/paced-authority.ts';
import { timedClock } from '../../src/app/system-clock.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { anAuthority } from '../support/authorities.ts';
import { aRequest, ecKey } from '../support/certificate-requests.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';

/**
 * Certificates as they are wanted when a whole cluster starts, and while somebody asks for ten times as many as are signed (reliability S66,
 * SC28), from the authority with its limits.
 */
export const certificatesBench: Bench = {
  name: 'certificates',
  title: 'certificates for a starting cluster, and for honest callers beside a flood',
  run: async (report) => {
    const authority = await anIdleAuthority();
    const rsa = aRequest({ key: generateKeyPairSync('rsa', { modulusLength: 2048 }) });
    const ec = aRequest({ key: ecKey() });
    await measureStart(report, '1,000 requests with RSA keys', (subject) => authority.sign(subject, rsa));
    await pauseForAllowances();
    await measureStart(report, '1,000 requests with P-256 keys', (subject) => authority.sign(subject, ec));
    await pauseForAllowances();
    await measureStart(report, '1,000 keys and certificates', (subject) => authority.issue(subject));
    await pauseForAllowances();
    await measureFlood(report, '2,000 a second of 20 workloads', authority, ec, (n) => subjectOf('flood', n % 20));
    await measureFlood(report, '2,000 a second of a workload each', authority, ec, (n) => subjectOf('crowd', n));
  },
};

let starts = 0;

async function anIdleAuthority(): Promise<CertificateAuthority> {
  const authority = anAuthority();
  await authority.open();
  const metrics = createMetrics({ version: '1', uptime: () => 1, processMetrics: false });
  return new PacedAuthority({ authority, clock: timedClock, log: silentLog, metrics });
}

function subjectOf(serviceAccount: string, instance: number): CertificateSubject {
  return { identity: { trustDomain: 'cluster.local', namespace: 'bench', serviceAccount }, instance: `${instance}` };
}

/** What all may have together is full again. */
function pauseForAllowances(): Promise<void> {
  return delay(1_100);
}

/** 50 deployments of 20 pods. */
async function measureStart(
  report: Report,
  variant: string,
  ask: (subject: CertificateSubject) => Promise<{ readonly kind: string }>,
): Promise<void> {
  const start = ++starts;
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: 1000 }, (_, n) => ask(subjectOf(`start-${start}-${n % 50}`, n))),
  );
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  lag.disable();
  report.row(variant, {
    signed: outcomes.filter(({ kind }) => kind === 'signed').length,
    secondsToLast: rounded(seconds),
    cpuMsEach: rounded((user + system) / 1000 / outcomes.length),
    worstLagMs: rounded(lag.max / 1e6),
  });
}

/** For ten seconds; ten honest callers a second, each of another identity. */
async function measureFlood(
  report: Report,
  variant: string,
  authority: CertificateAuthority,
  request: string,
  flooding: (n: number) => CertificateSubject,
): Promise<void> {
  const waits: number[] = [];
  const outcomes = { signed: 0, refused: 0, honestRefused: 0 };
  const all: Promise<void>[] = [];
  const flood = async (n: number): Promise<void> => {
    const { kind } = await authority.sign(flooding(n), request);
    outcomes[kind === 'signed' ? 'signed' : 'refused']++;
  };
  const honest = async (n: number): Promise<void> => {
    const begun = performance.now();
    const { kind } = await authority.sign(subjectOf(`honest-${variant.length}-${n}`, 0), request);
    if (kind === 'signed') waits.push(performance.now() - begun);
    else outcomes.honestRefused++;
  };
  let asked = 0;
  for (const begun = performance.now(); performance.now() - begun < 10_000; await delay(10)) {
    const due = Math.floor((performance.now() - begun) * 2);
    if (due % 200 < 20) all.push(honest(due));
    for (; asked < due; asked++) all.push(flood(asked));
  }
  await Promise.all(all);
  const { median, p99, max } = spreadOf(waits);
  report.row(variant, {
    honest: waits.length,
    honestRefused: outcomes.honestRefused,
    honestMsMedian: rounded(median),
    honestMsP99: rounded(p99),
    honestMsMax: rounded(max),
    signed: outcomes.signed,
    refused: outcomes.refused,
  });
}
