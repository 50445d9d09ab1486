/** What was heard of one namespace of a Nacos. Counters never go back while it lives. */
export interface NacosCounters {
  /** Descriptions of a service that the server sent by itself. */
  pushes: number;
  /** Descriptions, asked for or not, that said nothing new. */
  unchanged: number;
  /** Services that an audit found different from what was known, without the server having said so (registries N44). */
  repaired: number;
  /** Descriptions that could not be had: refused, too late, unreadable. */
  failures: number;
}

export function newCounters(): NacosCounters {
  return { pushes: 0, unchanged: 0, repaired: 0, failures: 0 };
}
