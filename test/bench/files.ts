import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { endpointAddress, fileOfService, writeMesh, writeMeshFile, type MeshSize } from '../support/mesh-files.ts';
import { DeltaClient } from './delta-client.ts';
import { rounded, spreadOf, type Bench, type Report } from './report.ts';

/**
 * A large mesh from files, as a user meets it: `weir serve` on 10,000 services with 5 endpoints each, one sidecar that sees all of
 * them, then single edits. Server and client are separate processes.
 */

const size: MeshSize = { services: 10_000, endpointsPerService: 5, servicesPerFile: 100 };
const edits = 40;
const launcher = new URL('../../bin/weir', import.meta.url).pathname;

interface ServedMesh {
  readonly process: ChildProcess;
  readonly xds: string;
  readonly readyMilliseconds: number;
}

export const filesBench: Bench = {
  name: 'files',
  title: `${size.services} services × ${size.endpointsPerService} endpoints from files: start, memory, one edit to one response`,
  run: measureFiles,
};

async function measureFiles(report: Report): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  writeMesh(directory, size);
  writeFileSync(join(directory, 'route.yaml'), routeDocument(0));
  const served = await serve(directory);
  try {
    report.row('ready', {
      seconds: rounded(served.readyMilliseconds / 1000),
      residentMB: residentMegabytes(served.process),
    });
    const client = new DeltaClient(served.xds, 'sidecar~10.255.255.1~bench.mesh~mesh.svc.cluster.local');
    const connected = performance.now();
    await client.subscribeToView(size.services, ['80']);
    report.row('one sidecar has everything', {
      seconds: rounded((performance.now() - connected) / 1000),
      residentMB: residentMegabytes(served.process),
    });
    // What a person does, and what a script may do: the next edit as soon as the last one has arrived.
    for (const [pace, gap] of [
      ['now and then', 150],
      ['at full speed', 0],
    ] as const) {
      const first = gap === 0 ? edits : 0;
      await measureEdits(report, `endpoint moved ${pace}, file write to response`, gap, (edit) =>
        editEndpoint(client, directory, first + edit),
      );
      await measureEdits(report, `route edited ${pace}, file write to response`, gap, (edit) =>
        editRoute(client, directory, first + edit),
      );
    }
    report.row('after the edits', { seconds: 0, residentMB: residentMegabytes(served.process) });
    client.close();
  } finally {
    served.process.kill('SIGTERM');
    await once(served.process, 'exit');
    rmSync(directory, { recursive: true, force: true });
  }
}

async function serve(directory: string): Promise<ServedMesh> {
  const started = performance.now();
  const child = spawn(
    launcher,
    ['serve', '--files', directory, '--xds-plaintext', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const xds = /xds (\S+?:\d+)/.exec(line)?.[1];
    if (xds !== undefined) return { process: child, xds, readyMilliseconds: performance.now() - started };
  }
  throw new Error('weir ended before it was ready');
}

/** Resident memory of a process as the kernel counts it. */
function residentMegabytes(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** @param gap milliseconds before each edit */
async function measureEdits(
  report: Report,
  variant: string,
  gap: number,
  edit: (number: number) => Promise<number>,
): Promise<void> {
  const times: number[] = [];
  for (let number = 0; number < edits; number++) {
    if (gap > 0) await delay(gap);
    times.push(await edit(number));
  }
  const { median, max } = spreadOf(times);
  report.row(variant, { medianMs: rounded(median), maxMs: rounded(max), edits });
}

/** Moves one endpoint of one service to another address. */
async function editEndpoint(client: DeltaClient, directory: string, edit: number): Promise<number> {
  const service = (edit * 977) % size.services;
  const first = service - (service % size.servicesPerFile);
  const answer = client.next(`outbound|80||service-${service}.mesh.svc.cluster.local`);
  const started = performance.now();
  writeMeshFile(directory, first, size, (other) =>
    Array.from({ length: size.endpointsPerService }, (_, endpoint) =>
      other === service && endpoint === 0
        ? `10.200.${edit}.${fileOfService(directory, service, size).length % 250}`
        : endpointAddress(other, endpoint, size.endpointsPerService),
    ),
  );
  await answer;
  return performance.now() - started;
}

async function editRoute(client: DeltaClient, directory: string, edit: number): Promise<number> {
  const answer = client.next('80');
  const started = performance.now();
  writeFileSync(join(directory, 'route.yaml'), routeDocument(edit + 1));
  await answer;
  return performance.now() - started;
}

function routeDocument(edit: number): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: service-7, namespace: mesh}
spec:
  hosts: [service-7]
  http:
  - timeout: ${edit + 1}s
    route:
    - destination: {host: service-7}
`;
}
