/** How large an object may be: what is larger would slow down everybody else's (reliability S76). */
export const largestObject = {
  /** All text of the object together; what a Kubernetes API server accepts, which leaves room for a 1 MiB response body. */
  characters: 1_572_864,
  /** Fields and list items. */
  values: 50_000,
  /** Levels of nesting. */
  depth: 32,
  routes: 500,
  rules: 500,
  regexes: 50,
  hosts: 1000,
  ports: 256,
  addresses: 256,
  endpoints: 4096,
  /** Origins, and targets of one origin. */
  localities: 256,
  /** Match blocks that are compared with each other; an object with more is in force, but not looked through. */
  comparedMatches: 1000,
  /** Violations that are kept. */
  violations: 100,
} as const;
