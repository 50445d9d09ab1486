import type { CrdStep } from './install-crds.ts';

/** What `weir install crds` says and whether it may go on, before it changes anything. */

export interface InstallVerdict {
  /** What is written to the cluster. */
  readonly apply: readonly CrdStep[];
  /** One line for each definition. */
  readonly lines: readonly string[];
  /** Why Weir cannot read all of its kinds in this cluster as it stands; empty: it can. */
  readonly obstacles: readonly string[];
}

export interface InstallCircumstances {
  /** `namespace/name` */
  readonly istiods: readonly string[];
  readonly upgrade: boolean;
  readonly dryRun: boolean;
}

export function judge(steps: readonly CrdStep[], circumstances: InstallCircumstances): InstallVerdict {
  const judged = steps.map((step) => judgeStep(step, circumstances));
  return {
    apply: judged.flatMap(({ step, applied }) => (applied ? [step] : [])),
    lines: judged.map(({ step, line }) => `${step.definition.metadata.name} ${line}`),
    obstacles: judged.flatMap(({ obstacle }) => (obstacle === undefined ? [] : [obstacle])),
  };
}

interface Judged {
  readonly step: CrdStep;
  readonly applied: boolean;
  readonly line: string;
  readonly obstacle?: string;
}

function judgeStep(step: CrdStep, { istiods, upgrade, dryRun }: InstallCircumstances): Judged {
  const { name } = step.definition.metadata;
  const would = dryRun ? 'would be ' : '';
  switch (step.kind) {
    case 'create':
      if (istiods.length > 0) {
        const obstacle = `${name} is not there, and Weir does not define kinds of istio.io beside Istio (${istiods.join(', ')}): install Istio's own definitions, with the version of that Istio`;
        return { step, applied: false, line: 'left to Istio', obstacle };
      }
      return { step, applied: true, line: `${would}created` };
    case 'unchanged':
      return { step, applied: false, line: 'unchanged' };
    case 'upgrade':
      if (upgrade) return { step, applied: true, line: `${would}upgraded` };
      return {
        step,
        applied: false,
        line: 'is of another version of Weir',
        obstacle: `${name} is of another version of Weir: --upgrade replaces it; its objects stay`,
      };
    case 'foreign':
      return judgeForeign(step);
  }
}

function judgeForeign(step: Extract<CrdStep, { kind: 'foreign' }>): Judged {
  const { metadata, spec } = step.definition;
  if (step.readable.length > 0) return { step, applied: false, line: "is somebody else's; left as it is, and read" };
  const versions = spec.versions.map((version) => version.name).join(', ');
  return {
    step,
    applied: false,
    line: "is somebody else's, and cannot be read",
    obstacle: `${metadata.name} belongs to somebody else and serves none of the versions ${versions}: upgrade what installed it`,
  };
}
