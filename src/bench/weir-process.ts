import { answerServerCalls, type ServerHandlers } from './server-process.ts';
import { startWeir, type Held, type WeirSpec, type WeirUnderTest } from './weir-under-test.ts';

/** The process of Weir under test. */

const more = (server: () => WeirUnderTest) => ({
  /** Bytes of the first service's load assignment in a response. */
  assignmentBytes: (_: undefined): number => server().world.assignment(0).bytes,
  /** What a sidecar holds when it has everything: versions of clusters and load assignments by name. */
  held: (_: undefined): Held => server().held(),
  size: (_: undefined) => server().size(),
  rewrite: (_: undefined): void => server().world.rewrite(),
});

export type WeirHandlers = ServerHandlers<WeirSpec> & ReturnType<typeof more>;

answerServerCalls(startWeir, more);
