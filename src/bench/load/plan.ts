import type { Windows } from './frames.ts';

/** What the load process is told to do, and what it tells. Times are milliseconds of `process.hrtime` (`machineTime`). */

/** What a client does with a response. `late`: the ACK waits so many milliseconds. `never`: it reads and says nothing. */
export type AckMode =
  | { readonly kind: 'at-once' }
  | { readonly kind: 'late'; readonly milliseconds: number }
  | { readonly kind: 'never' }
  | { readonly kind: 'refuse'; readonly message: string };

export interface Step {
  /** Index of a body of the plan. */
  readonly body: number;
  /** Sent when the stream has received so many resources in all; 0: at once. */
  readonly after: number;
}

export interface StreamPlan {
  /** Field `node` of a request, encoded: goes before the first body. */
  readonly node: Uint8Array;
  readonly steps: readonly Step[];
}

/** A client certificate and its key in PEM, or neither. The server's certificate is not checked. */
export interface TlsPlan {
  readonly cert?: string;
  readonly key?: string;
}

export interface GroupPlan {
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  readonly path: string;
  readonly windows: Windows;
  /** Whether windows are granted again once half of them is used up. */
  readonly grants: boolean;
  readonly ack: AckMode;
  readonly tls: TlsPlan | undefined;
  /** Connections that are opened at once, and milliseconds before the next ones are. */
  readonly batch: number;
  readonly gap: number;
  /** Encoded requests without a node, shared by the streams. */
  readonly bodies: readonly Uint8Array[];
  /** One connection each. */
  readonly streams: readonly StreamPlan[];
  /** A stream is complete when it has received so many resources, or names that do not exist; 0: when its call was answered. */
  readonly complete: number;
  /** Milliseconds until opening is given up. */
  readonly deadline: number;
}

export interface Opened {
  /** Of each stream, in the order in which they were complete: milliseconds since its connection was begun. */
  readonly milliseconds: Float64Array;
  /** From the first connection to the last complete stream. */
  readonly totalMilliseconds: number;
  readonly totals: Totals;
}

/** What a group has received and sent since it was opened. */
export interface Totals {
  readonly messages: number;
  /** Of messages. */
  readonly bytes: number;
  readonly resources: number;
  readonly removed: number;
  readonly acks: number;
  /** Streams that ended, resets, GOAWAYs, broken connections, malformed responses: the first few in words. */
  readonly errors: number;
  readonly errorTexts: readonly string[];
}

/** When messages arrived, push by push: the first message of every stream since `record`, then the second, and so on. */
export interface Arrivals {
  readonly streams: number;
  /** Sorted times, one list for each push. */
  readonly pushes: readonly Float64Array[];
}

/** Windows of Envoy (hot-path H1004), HTTP/2's own, and room for everything. */
export const windowsOf = {
  envoy: { stream: 16 * 1024 * 1024, connection: 24 * 1024 * 1024 },
  small: { stream: 65_535, connection: 65_535 },
  huge: { stream: 0x7fff_ffff, connection: 0x7fff_ffff },
} as const satisfies Readonly<Record<string, Windows>>;
