/** What became of an object, in the form in which Kubernetes tells it. */
export interface Condition {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word for programs, in camel case. */
  readonly reason: string;
  /** Sentences for people. */
  readonly message: string;
  /** Generation of the object that it is about. */
  readonly observedGeneration: number;
}

export type ConditionType =
  /** Whether the object, as it stands, is in force. */
  | 'Accepted'
  /** Whether everything that it names is there. */
  | 'ResolvedRefs'
  /** Whether the proxies that get something that follows from it have confirmed that. */
  | 'Programmed'
  /** Part of it is not in force because another object claims the same. Told only while it is so. */
  | 'Conflicted'
  /** Part of it can never take effect because of what stands before it. Told only while it is so. */
  | 'Shadowed';
