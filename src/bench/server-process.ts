import { answerCalls } from './remote.ts';
import {
  measureChurn,
  measureSeries,
  PeakMeter,
  usage,
  type Churn,
  type ChurnPlan,
  type Series,
  type SeriesPlan,
  type ServerUnderTest,
  type Usage,
} from './measurements.ts';

/** What a process that runs a server under test answers to, whatever the server. */
export type ServerHandlers<Spec> = {
  readonly start: (spec: Spec) => Promise<string>;
  readonly series: (plan: SeriesPlan) => Promise<Series>;
  readonly churn: (plan: ChurnPlan) => Promise<Churn>;
  readonly usage: (collect: boolean) => Usage;
  readonly watchPeak: (parameter: undefined) => void;
  readonly peak: (parameter: undefined) => ReturnType<PeakMeter['stop']>;
  readonly delivered: (parameter: undefined) => Delivered;
};

/** Since the start. */
export interface Delivered {
  readonly sent: number;
  readonly acked: number;
  readonly resources: number;
  readonly bytes: number;
  readonly problems: readonly string[];
}

/**
 * Makes this process one that runs a server under test.
 *
 * @param start starts it; called once
 * @param more what else it answers to
 */
export function answerServerCalls<Server extends ServerUnderTest>(
  start: (spec: never) => Promise<Server>,
  more: (server: () => Server) => Readonly<Record<string, (parameter: never) => unknown>> = () => ({}),
): void {
  let running: Server | undefined;
  const server = (): Server => {
    if (running === undefined) throw new Error('the server under test was not started');
    return running;
  };
  const peak = new PeakMeter();
  const handlers: ServerHandlers<never> = {
    start: async (spec) => {
      running = await start(spec);
      return running.address;
    },
    series: (plan) => measureSeries(server(), plan),
    churn: (plan) => measureChurn(server(), plan),
    usage,
    watchPeak: () => peak.start(),
    peak: () => peak.stop(),
    delivered: () => {
      const { sent, acked, resources, bytes, problems } = server().delivery;
      return { sent, acked, resources, bytes, problems };
    },
  };
  answerCalls({ ...handlers, ...more(server) });
}
