import type { Publication } from './flight.ts';
import type { Urgency } from './flush-queue.ts';
import type { Report } from './programming.ts';
import type { Resource } from './resources.ts';
import type { Subscription } from './subscription.ts';
import type { ViewOwner } from './view.ts';

/** What a type says to its stream. */
interface OwningStream {
  readonly nodeId: string;
  /** There is something to send. */
  queue(urgency: Urgency): void;
}

/** What happens to one type of a stream; without closures, since there are thousands of streams. */
export class TypeOnStream implements ViewOwner {
  /** Set as soon as there is one. */
  subscription: Subscription | undefined;
  readonly #stream: OwningStream;
  readonly #urgency: Urgency;

  constructor(stream: OwningStream, urgency: Urgency) {
    this.#stream = stream;
    this.#urgency = urgency;
  }

  changed(name: string, previous: Resource | undefined, publication: Publication): void {
    this.subscription?.changed(name, previous, publication);
    this.#stream.queue(this.#urgency);
  }

  report(name: string, since: number): Report {
    return { nodeId: this.#stream.nodeId, standing: this.subscription?.standing(name, since) ?? { kind: 'pending' } };
  }
}
