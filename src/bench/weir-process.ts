import { answerServerCalls, type ServerHandlers } from './server-process.ts';
import { startWeir, type WeirSpec, type WeirUnderTest } from './weir-under-test.ts';

/** The process of Weir under test. */

const more = (server: () => WeirUnderTest) => ({
  /** Versions of the load assignments of the first services. */
  versions: (services: number): readonly string[] =>
    Array.from({ length: services }, (_, service) => server().world.assignment(service).version),
  /** Bytes of the first service's load assignment in a response. */
  assignmentBytes: (_: undefined): number => server().world.assignment(0).fragment.length,
  size: (_: undefined) => server().size(),
  rewrite: (_: undefined): void => server().world.rewrite(),
});

export type WeirHandlers = ServerHandlers<WeirSpec> & ReturnType<typeof more>;

answerServerCalls(startWeir, more);
