import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from './delivery.ts';
import { machineTime } from './machine-time.ts';

/** What the process of a server under test measures of itself (hot-path H1305). */

/** A server, and how to make it send. */
export interface ServerUnderTest {
  /** `host:port`. */
  readonly address: string;
  readonly delivery: Delivery;
  /** Makes one change. Gives its name. */
  readonly change: (kind: ChangeKind, service: number) => string;
}

export type ChangeKind = 'endpoint' | 'route';

export interface SeriesPlan {
  readonly kind: ChangeKind;
  readonly service: number;
  /** Streams that each change reaches, with one message each. */
  readonly streams: number;
  readonly pushes: number;
  /** Pushes before them that are not counted. */
  readonly warmups: number;
  /**
   * Milliseconds after the last message was handed over, at which the CPU of sending is read, for clients whose ACKs come later
   * than that; 0: sending and ACKs are not told apart.
   */
  readonly settle: number;
  /** Milliseconds without any change before each push, so that none is gathered with the one before; undefined: 0. */
  readonly pause?: number;
}

/** One entry for each push. */
export interface Series {
  /** `machineTime` before the change. */
  readonly changedAt: Float64Array;
  /** Milliseconds until the change was made: everything before the first byte. */
  readonly commitMilliseconds: Float64Array;
  /** CPU of the process for one message, in microseconds. */
  readonly sendMicroseconds: Float64Array;
  readonly sendAndAckMicroseconds: Float64Array;
  readonly worstLag: number;
}

/** Changes one service again and again, each time when every stream has confirmed the last change. */
export async function measureSeries(server: ServerUnderTest, plan: SeriesPlan): Promise<Series> {
  const { delivery } = server;
  const samples: number[][] = [[], [], [], []];
  const lag = new LagMeter();
  for (let push = 0; push < plan.warmups + plan.pushes; push++) {
    if (push === plan.warmups) lag.start();
    const target = delivery.sent + plan.streams;
    const acked = delivery.acked + plan.streams;
    if (plan.pause !== undefined) await delay(plan.pause);
    const before = cpuMicroseconds();
    const changedAt = machineTime();
    server.change(plan.kind, plan.service);
    const commit = machineTime() - changedAt;
    await delivery.untilSent(target);
    if (plan.settle > 0) await delay(plan.settle);
    const sent = cpuMicroseconds();
    await delivery.untilAcked(acked);
    const done = cpuMicroseconds();
    if (push < plan.warmups) continue;
    [changedAt, commit, (sent - before) / plan.streams, (done - before) / plan.streams].forEach((value, index) =>
      samples[index]?.push(value),
    );
  }
  const [changedAt = [], commits = [], sends = [], acks = []] = samples;
  return {
    changedAt: Float64Array.from(changedAt),
    commitMilliseconds: Float64Array.from(commits),
    sendMicroseconds: Float64Array.from(sends),
    sendAndAckMicroseconds: Float64Array.from(acks),
    worstLag: lag.stop(),
  };
}

export interface ChurnPlan {
  readonly services: number;
  readonly changesPerSecond: number;
  readonly seconds: number;
}

export interface Churn {
  readonly changes: number;
  /** Seconds until the last change was made; more than planned when the process could not keep up. */
  readonly seconds: number;
  readonly messages: number;
  readonly resources: number;
  readonly bytes: number;
  /** Share of one core while changes were made. */
  readonly cpuShare: number;
  readonly worstLag: number;
  readonly residentBytes: number;
  /** From change to ACK, for each stream that a change reached; sorted milliseconds. */
  readonly toAck: Float64Array;
  /** From change to the ACK of the last stream, for each change that reached any; sorted milliseconds. */
  readonly toLastAck: Float64Array;
}

/** Longer than any ACK takes that is going to come. */
const longestWait = 30_000;

/** Moves endpoints of one service after another at a steady rate. */
export async function measureChurn(server: ServerUnderTest, plan: ChurnPlan): Promise<Churn> {
  const { delivery } = server;
  const before = { sent: delivery.sent, resources: delivery.resources, bytes: delivery.bytes };
  const lag = new LagMeter();
  const changes = Math.round(plan.changesPerSecond * plan.seconds);
  delivery.record();
  lag.start();
  const cpu = cpuMicroseconds();
  const started = machineTime();
  for (let made = 0; made < changes;) {
    const due = Math.min(changes, 1 + Math.floor(((machineTime() - started) / 1000) * plan.changesPerSecond));
    // A prime stride: every service has its turn. Not that of the sidecars' dependencies, or one sidecar after another had all changes.
    for (; made < due; made++) server.change('endpoint', (made * 6029) % plan.services);
    await delay(Math.max(0, started + (made * 1000) / plan.changesPerSecond - machineTime()));
  }
  const milliseconds = machineTime() - started;
  const cpuShare = (cpuMicroseconds() - cpu) / 1000 / milliseconds;
  const worstLag = lag.stop();
  const { sent, resources, bytes } = delivery;
  await untilQuiet(delivery);
  const latencies = [...delivery.recorded().values()];
  return {
    changes,
    seconds: milliseconds / 1000,
    messages: sent - before.sent,
    resources: resources - before.resources,
    bytes: bytes - before.bytes,
    cpuShare,
    worstLag,
    residentBytes: process.memoryUsage.rss(),
    toAck: Float64Array.from(latencies.flat()).sort(),
    toLastAck: Float64Array.from(latencies, (each) => Math.max(...each)).sort(),
  };
}

/** Waits until everything that was sent is confirmed, or nothing happens for a while. */
async function untilQuiet(delivery: Delivery): Promise<void> {
  const end = machineTime() + longestWait;
  for (let last = -1; last !== delivery.acked && machineTime() < end;) {
    last = delivery.acked;
    await delay(300);
  }
}

export interface Usage {
  readonly at: number;
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Buffers. */
  readonly offHeapBytes: number;
}

/** @param collect whether garbage is collected first */
export function usage(collect: boolean): Usage {
  if (collect) for (let pass = 0; pass < 4; pass++) globalThis.gc?.();
  const memory = process.memoryUsage();
  return {
    at: machineTime(),
    cpuMicroseconds: cpuMicroseconds(),
    residentBytes: memory.rss,
    heapBytes: memory.heapUsed,
    offHeapBytes: memory.arrayBuffers,
  };
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const lagResolution = 2;

/** How long the event loop was away at worst, in milliseconds. */
class LagMeter {
  readonly #histogram = monitorEventLoopDelay({ resolution: lagResolution });

  start(): void {
    this.#histogram.reset();
    this.#histogram.enable();
  }

  stop(): number {
    this.#histogram.disable();
    return Math.max(0, this.#histogram.max / 1e6 - lagResolution);
  }
}

/** The largest resident memory and the worst lag between two moments. */
export class PeakMeter {
  readonly #lag = new LagMeter();
  #timer: NodeJS.Timeout | undefined;
  #peak = 0;

  start(): void {
    this.#peak = process.memoryUsage.rss();
    this.#timer = setInterval(() => (this.#peak = Math.max(this.#peak, process.memoryUsage.rss())), 5);
    this.#lag.start();
  }

  stop(): { readonly residentBytes: number; readonly worstLag: number } {
    clearInterval(this.#timer);
    return { residentBytes: Math.max(this.#peak, process.memoryUsage.rss()), worstLag: this.#lag.stop() };
  }
}
