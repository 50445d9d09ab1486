import { performance } from 'node:perf_hooks';
import type { Arrivals } from './arrivals.ts';
import type { Mesh } from './mesh.ts';
import type { Terminal } from './terminal.ts';
import { renderLive, type Scene } from './view.ts';
import type { Visitors } from './visitors.ts';

/** Milliseconds between two drawings. */
const drawInterval = 100;

/** Draws what is going on, again and again. */
export class Screen {
  readonly #mesh: Mesh;
  readonly #visitors: Visitors;
  readonly #arrivals: Arrivals;
  readonly #terminal: Terminal;
  readonly #started = performance.now();
  #scene: Scene | undefined = undefined;
  #isRecent = false;

  constructor(mesh: Mesh, visitors: Visitors, arrivals: Arrivals, terminal: Terminal) {
    this.#mesh = mesh;
    this.#visitors = visitors;
    this.#arrivals = arrivals;
    this.#terminal = terminal;
  }

  /** Draws until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.#terminal.isLive || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const drawing = setInterval(() => this.#draw(), drawInterval);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearInterval(drawing);
    this.#terminal.release();
  }

  show(scene: Scene): void {
    this.#scene = scene;
  }

  /** From now on the bars show the last seconds, not the whole scene. */
  showRecent(): void {
    this.#isRecent = true;
  }

  #draw(): void {
    const workloads = Array.from(this.#mesh.workloads.values());
    const visitors = this.#visitors;
    const view = {
      seconds: (performance.now() - this.#started) / 1000,
      total: visitors.total,
      perSecond: visitors.perSecond,
      proxies: workloads.filter(({ sidecar }) => !sidecar.child.hasEnded).length,
      scene: this.#scene,
      tally: this.#isRecent ? visitors.recent() : visitors.scene,
      last: this.#arrivals.last,
      median: this.#arrivals.median,
      pods: workloads.map(({ pod }) => ({ name: pod.name, service: pod.app, version: pod.version })),
    };
    this.#terminal.draw(renderLive(view, this.#terminal.width, this.#terminal.height));
  }
}
