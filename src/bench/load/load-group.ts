import { setTimeout as delay } from 'node:timers/promises';
import { machineTime } from '../machine-time.ts';
import { LoadConnection } from './load-connection.ts';
import type { AckMode, Arrivals, GroupPlan, Opened, Totals } from './plan.ts';
import type { ResponseScanner } from './response-scanner.ts';

const mostErrorTexts = 5;

/** Sidecars that are opened together and do the same. */
export class LoadGroup {
  readonly #plan: GroupPlan;
  readonly #connections = new Map<LoadConnection, { readonly begunAt: number; isComplete: boolean }>();
  readonly #completed: number[] = [];
  readonly #totals = { messages: 0, bytes: 0, resources: 0, removed: 0, acks: 0, errors: 0 };
  readonly #errorTexts: string[] = [];
  /** Ends the opening: all have what they want, or it will not come to that. */
  #opened: () => void = () => undefined;
  #pushes: number[][] | undefined;

  constructor(plan: GroupPlan) {
    this.#plan = plan;
  }

  get totals(): Totals {
    return { ...this.#totals, errorTexts: this.#errorTexts };
  }

  /** Opens all streams and waits until each has what it wants. @throws when that takes longer than the plan allows */
  async open(): Promise<Opened> {
    const { streams, batch, gap, deadline } = this.#plan;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opened = resolve;
    const giveUp = setTimeout(resolve, deadline);
    const begunAt = machineTime();
    for (let first = 0; first < streams.length; first += batch) {
      if (first > 0) await delay(gap);
      for (const stream of streams.slice(first, first + batch)) {
        this.#connections.set(new LoadConnection(this.#plan, stream, this), {
          begunAt: machineTime(),
          isComplete: false,
        });
      }
    }
    await promise;
    clearTimeout(giveUp);
    if (this.#completed.length < streams.length) throw new Error(this.#describeShortfall());
    const milliseconds = Float64Array.from(this.#completed).sort();
    return { milliseconds, totalMilliseconds: machineTime() - begunAt, totals: this.totals };
  }

  record(): void {
    for (const connection of this.#connections.keys()) connection.ordinal = 0;
    this.#pushes = [];
  }

  recorded(): Arrivals {
    const pushes = (this.#pushes ?? []).map((times) => Float64Array.from(times).sort());
    return { streams: this.#connections.size, pushes };
  }

  behave(ack: AckMode, grants: boolean): void {
    for (const connection of this.#connections.keys()) connection.behave(ack, grants);
  }

  close(): void {
    for (const connection of this.#connections.keys()) connection.close();
    this.#connections.clear();
  }

  answered(connection: LoadConnection): void {
    if (this.#plan.complete === 0) this.#complete(connection);
  }

  received(connection: LoadConnection, { bytes, resources, removed }: ResponseScanner): void {
    this.#totals.messages++;
    this.#totals.bytes += bytes;
    this.#totals.resources += resources;
    this.#totals.removed += removed;
    if (this.#pushes !== undefined) (this.#pushes[connection.ordinal++] ??= []).push(machineTime());
    if (connection.resources + connection.removed >= this.#plan.complete) this.#complete(connection);
  }

  acknowledged(): void {
    this.#totals.acks++;
  }

  failed(connection: LoadConnection, message: string): void {
    this.#connections.delete(connection);
    this.#totals.errors++;
    if (this.#errorTexts.length < mostErrorTexts) this.#errorTexts.push(message);
    this.#opened();
  }

  #complete(connection: LoadConnection): void {
    const state = this.#connections.get(connection);
    if (state === undefined || state.isComplete) return;
    state.isComplete = true;
    this.#completed.push(machineTime() - state.begunAt);
    if (this.#completed.length === this.#plan.streams.length) this.#opened();
  }

  #describeShortfall(): string {
    const { name, streams, deadline, complete } = this.#plan;
    const { resources, removed, errors } = this.#totals;
    return (
      `${name}: ${this.#completed.length} of ${streams.length} streams have their ${complete} resources after ${deadline} ms ` +
      `(${resources} resources, ${removed} absent, ${errors} errors: ${this.#errorTexts.join('; ')})`
    );
  }
}
