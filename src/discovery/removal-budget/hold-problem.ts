import type { ServiceKey } from '../../model/keys.ts';
import type { SourceProblem } from '../../model/source.ts';

/** Services that the problem names; `weir guard list` has all. */
const mostNamed = 5;

/** What people are told of the holds of a source. */
export function problemOfHolds(source: string, services: ReadonlySet<ServiceKey>, endpoints: number): SourceProblem {
  const more = services.size > mostNamed ? ` and ${services.size - mostNamed} more services` : '';
  const subject = `${endpoints} endpoints of ${services.values().take(mostNamed).toArray().join(', ')}${more}`;
  return {
    key: `${source} removals on hold`,
    source,
    place: { kind: 'resource', resource: 'endpoints' },
    code: 'WEIR2013',
    path: '',
    message: `${subject} are gone for the source, more at once than the removal budget covers: they are held as degraded`,
    advice: 'look after the registry; weir guard list shows what is held, and weir guard release lets it go',
    keptLastGood: true,
  };
}
