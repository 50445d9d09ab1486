import { describe, it } from 'vitest';
import { TraceWorld, variants, type TracePeer, type Variant } from './trace-rig.ts';

/** One row of a table of traces: what is said, and what has to come of it. */
export interface Trace {
  readonly title: string;
  /** Variants to which it applies; all of them when absent. */
  readonly where?: (variant: Variant) => boolean;
  readonly run: (world: TraceWorld, peer: TracePeer, variant: Variant) => void;
}

export const inDelta = ({ wire }: Variant): boolean => wire === 'delta';
export const inSotw = ({ wire }: Variant): boolean => wire === 'sotw';
/** Types are ordered among each other only where they share a stream. */
export const inAds = ({ isAds }: Variant): boolean => isAds;
export const inDeltaAds = (variant: Variant): boolean => inDelta(variant) && inAds(variant);
export const inSotwAds = (variant: Variant): boolean => inSotw(variant) && inAds(variant);

/** Plays the traces of an area in each variant to which they apply, each before a server of its own. */
export function describeTraces(area: string, traces: readonly Trace[]): void {
  for (const variant of variants) {
    const applicable = traces.filter(({ where }) => where?.(variant) ?? true);
    if (applicable.length === 0) continue;
    describe(`${area}: ${nameOf(variant)}`, () => {
      it.each(applicable)('$title', ({ run }) => {
        const world = new TraceWorld();
        run(world, world.peer(variant), variant);
        world.finish();
      });
    });
  }
}

function nameOf({ wire, isAds }: Variant): string {
  return `${wire === 'delta' ? 'delta' : 'state of the world'}, ${isAds ? 'one stream' : 'a stream for each type'}`;
}
