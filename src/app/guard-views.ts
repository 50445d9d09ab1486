import type { GuardViews } from '../admin/guard.ts';
import type { Hold } from '../discovery/removal-budget/removal-budget.ts';
import { serviceKey } from '../model/keys.ts';
import type { RegistryLayers } from './registry-layers.ts';

/** What the admin server shows of the removal budgets, and how it lets go of what they hold. */
export function guardViews(
  layers: Pick<RegistryLayers, 'holds' | 'release'>,
  mayChange: GuardViews['mayChange'],
): GuardViews {
  return {
    mayChange,
    report: () => ({ holds: layers.holds().map(reportOf) }),
    release: ({ service, ...request }) => {
      const slash = service?.indexOf('/') ?? -1;
      const key = service === undefined ? undefined : serviceKey(service.slice(0, slash), service.slice(slash + 1));
      return layers.release({ ...request, service: key });
    },
  };
}

function reportOf({ source, service, endpoints, named, since, nextRelease }: Hold) {
  const next = nextRelease === undefined ? {} : { nextRelease: new Date(nextRelease).toISOString() };
  return { source, service, endpoints, named, since: new Date(since).toISOString(), ...next };
}
