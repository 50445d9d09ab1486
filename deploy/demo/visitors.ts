import { Agent } from 'node:http';
import { httpGet, type Answer } from './echo-service.ts';
import type { Mesh } from './mesh.ts';
import { outcomeOf, type MakeBelieve } from './outcome.ts';
import { betaGroup } from './story.ts';
import { runTraffic, Tally, type Outcome } from './traffic.ts';

/** The people who visit the shop, at a steady rate: they ask web through its sidecar, from outside the mesh. */
export class Visitors {
  readonly perSecond: number;
  readonly total = new Tally();
  /** Told of every failure that nobody asked for. */
  onFailure: (why: string) => void = () => undefined;
  readonly #mesh: Mesh;
  readonly #agent = new Agent({ keepAlive: true });
  /** Numbers the requests. */
  #sent = 0;
  #makeBelieve: MakeBelieve = { kind: 'none' };
  /** Requests from this one on are real again; those under way may still meet the fault. */
  #realFrom = 0;
  #scene = new Tally();
  #sceneFrom = 0;
  readonly #recent: Outcome[] = [];

  constructor(mesh: Mesh, perSecond: number) {
    this.#mesh = mesh;
    this.perSecond = perSecond;
  }

  /** Visits until the signal; settles when the last answer has come. */
  async run(signal: AbortSignal): Promise<void> {
    const { perSecond } = this;
    try {
      await runTraffic(
        { perSecond, ask: (number) => this.#visit(number), onAnswer: (number, answer) => this.#count(number, answer) },
        signal,
      );
    } finally {
      this.#agent.destroy();
    }
  }

  /** Counts since the scene began. */
  get scene(): Tally {
    return this.#scene;
  }

  /** Starts counting anew. Requests that are under way belong to what was before. */
  beginScene(): void {
    this.#scene = new Tally();
    this.#sceneFrom = this.#sent;
  }

  /** From now on failures of this kind are meant. */
  expect(makeBelieve: MakeBelieve): void {
    this.#makeBelieve = makeBelieve;
    this.#realFrom = Infinity;
  }

  /** From the next request on every failure is real. */
  expectNothing(): void {
    this.#realFrom = Math.min(this.#realFrom, this.#sent);
  }

  /** Counts over the last few seconds. */
  recent(): Tally {
    const tally = new Tally();
    for (const outcome of this.#recent) tally.add(outcome);
    return tally;
  }

  #visit(number: number): Promise<Answer> {
    this.#sent = number + 1;
    const { pod, port } = this.#mesh.workload('web-1');
    const headers = { host: 'web', ...(number % 5 === 0 ? { 'x-group': betaGroup } : {}) };
    return httpGet({ host: pod.address, port, path: '/', headers, agent: this.#agent });
  }

  #count(number: number, answer: Answer): void {
    const outcome = outcomeOf(answer, number < this.#realFrom ? this.#makeBelieve : { kind: 'none' });
    this.total.add(outcome);
    if (number >= this.#sceneFrom) this.#scene.add(outcome);
    if (this.#recent.push(outcome) > 4 * this.perSecond) this.#recent.shift();
    if (outcome.kind === 'failed') this.onFailure(outcome.why);
  }
}
