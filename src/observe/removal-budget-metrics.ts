import { Counter, Gauge, type Registry } from 'prom-client';

/** What registries stopped naming and Weir holds (reliability O5). */
export function removalBudgetMetrics(registry: Registry) {
  const registers = [registry];
  const labelNames = ['source'] as const;
  return {
    removalsHeld: new Gauge({
      name: 'weir_removals_held',
      help: 'Endpoints that the source does not call usable any more and that are held as degraded.',
      labelNames,
      registers,
    }),
    servicesHeld: new Gauge({
      name: 'weir_services_with_removals_held',
      help: 'Services with such endpoints.',
      labelNames,
      registers,
    }),
    removalsHeldTotal: new Counter({
      name: 'weir_removals_held_total',
      help: 'Endpoints that were held.',
      labelNames,
      registers,
    }),
    removalsEnded: new Counter({
      name: 'weir_removal_holds_ended_total',
      help: 'Endpoints that are not held any more, by what ended it: time, return, operator.',
      labelNames: ['source', 'by'],
      registers,
    }),
  };
}
