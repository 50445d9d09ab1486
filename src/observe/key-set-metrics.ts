import { Counter, Gauge, type Registry } from 'prom-client';

/** Keys of tokens. */
export function keySetMetrics(registry: Registry) {
  const registers = [registry];
  return {
    keySetFetches: new Counter({
      name: 'weir_key_set_fetches_total',
      help: 'Times that the public keys of an issuer of tokens were asked for: ok, failed, refused.',
      labelNames: ['outcome'],
      registers,
    }),
    keySets: new Gauge({
      name: 'weir_key_sets',
      help: 'Issuers of tokens whose public keys are wanted: known, missing.',
      labelNames: ['state'],
      registers,
    }),
  };
}
