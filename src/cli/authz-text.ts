import type { PlaceOf } from '../admin/status-report.ts';
import { titleOf, type Provenance } from '../model/provenance.ts';
import { listed } from '../policy/finding.ts';
import type { Judgement, NamedRule } from '../policy/authorization-check.ts';

/** What `weir authz check` prints of one workload. */
export interface Verdict {
  /** `NAMESPACE/NAME`. */
  readonly workload: string;
  readonly port: number;
  readonly judgement: Judgement;
}

/** Sentences: the outcome, why, and what would change it. */
export function verdictText({ workload, port, judgement }: Verdict, placeOf: PlaceOf): string {
  const { allowed, because, consulted, tried } = judgement;
  const place = (provenance: Provenance): string => {
    const at = placeOf(provenance, provenance.path ?? '');
    const where = at === undefined ? '' : ` (${at.file}:${at.line})`;
    return `${titleOf(provenance)}, ${provenance.path ?? 'spec'}${where}`;
  };
  const ruleText = ({ provenance, fields }: NamedRule): string =>
    `${place(provenance)}${fields.length === 0 ? ', which matches every call' : `, by ${listed(fields)}`}`;
  return [
    `${workload} port ${port}: ${allowed ? 'allowed' : 'denied'}`,
    ...consulted.map(({ provider, rule }) => `  ${provider} is asked first, and can refuse: ${ruleText(rule)}`),
    ...reasons(because, place, ruleText).map((line) => `  ${line}`),
    ...tried.map(
      ({ action, rule }) => `  under trial, ${action === 'deny' ? 'would deny' : 'would allow'}: ${ruleText(rule)}`,
    ),
    '',
  ].join('\n');
}

function reasons(
  because: Judgement['because'],
  place: (provenance: Provenance) => string,
  ruleText: (rule: NamedRule) => string,
): readonly string[] {
  switch (because.kind) {
    case 'nothing-said':
      return ['no policy allows or denies it, and without any policy that allows everything is allowed'];
    case 'allowed':
      return [`allowed by ${ruleText(because.rule)}`];
    case 'denied':
      return [
        `denied by ${ruleText(because.rule)}`,
        'it would be allowed if one of these fields did not match it, or the rule went',
      ];
    case 'provider-missing':
      return [
        `denied, because the provider ${because.provider} cannot be asked: ${ruleText(because.rule)}`,
        'it would be allowed if the provider and its service were there, and the provider agreed',
      ];
    case 'not-allowed':
      return [
        'denied, because there are policies that allow and none of their rules matches; it would be allowed if it matched',
        ...because.misses.map(({ name, provenance, fields }) =>
          provenance === undefined
            ? `${name}: the policy has no rule, and allows nothing`
            : `${place(provenance)}: does not fit ${listed(fields)}`,
        ),
      ];
  }
}
