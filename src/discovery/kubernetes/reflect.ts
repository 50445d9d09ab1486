import type { ApiResource, RawObject, Reflected, ReflectedSelection, ReflectorHandler } from './reflector/reflected.ts';

/** What is asked of whoever follows a kind of objects. */
export interface Following<Kept extends Reflected> {
  readonly resource: ApiResource;
  readonly selection: ReflectedSelection;
  readonly trim: (object: RawObject) => Kept;
  readonly handler: ReflectorHandler<Kept>;
}

/** Follows until it is stopped. */
export interface Follower {
  run(signal: AbortSignal): Promise<void>;
}

/** Makes followers: reflectors, or in tests what hands changes in. */
export type Reflect = <Kept extends Reflected>(following: Following<Kept>) => Follower;
