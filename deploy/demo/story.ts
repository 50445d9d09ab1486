import type { Mesh } from './mesh.ts';
import type { Tally } from './traffic.ts';

/** What happens to the mesh, told as a user would do it: by editing YAML. */

export interface Step {
  readonly title: string;
  /** What is to be seen, in a sentence. */
  readonly lesson: string;
  readonly edits: readonly Edit[];
  /** What else must have happened at the sidecars before the step counts as reached. */
  readonly reached?: (mesh: Mesh) => Promise<boolean>;
  /** Done once the edits have arrived. */
  readonly afterwards?: (mesh: Mesh) => Promise<void> | void;
  /** What must have happened after that. */
  readonly reachedAfterwards?: (mesh: Mesh) => Promise<boolean>;
  /** Status with which requests fail on purpose from this step's edit until the next step is reached. */
  readonly injects?: number;
  /** What is wrong with the traffic of this step; undefined when it is as it should be. */
  readonly check: (tally: Tally) => string | undefined;
}

export type Edit =
  | { readonly kind: 'add'; readonly file: string; readonly text: string }
  | { readonly kind: 'change'; readonly file: string; readonly change: (text: string) => string }
  | { readonly kind: 'remove'; readonly file: string };

/** Every fifth visitor says that it belongs to this group. */
export const betaGroup = 'beta';
/** Nobody's real answer: what the injected fault answers. */
const faultStatus = 418;

const stockCluster = 'outbound|80||stock.shop.svc.cluster.local';
const catalogueV1 = 'outbound|80|v1|catalogue.shop.svc.cluster.local';

export const story: readonly Step[] = [
  {
    title: 'a canary: catalogue v2 gets a tenth',
    lesson: 'about 10 % of the answers come from catalogue v2',
    edits: [weights([100, 0], [90, 10])],
    check: (tally) => shareOf(tally, 'catalogue v2', 0.03, 0.19),
  },
  {
    title: 'half and half',
    lesson: 'catalogue v1 and v2 answer equally often',
    edits: [weights([90, 10], [50, 50])],
    check: (tally) => shareOf(tally, 'catalogue v2', 0.38, 0.62),
  },
  {
    title: 'by header: x-group: beta goes to v2, everybody else to v1',
    lesson: 'every fifth visitor is in the group; exactly those get v2',
    edits: [{ kind: 'change', file: 'catalogue-routes.yaml', change: byHeader }],
    check: (tally) => shareOf(tally, 'catalogue v2', 0.18, 0.22),
  },
  {
    title: `a fault: a fifth of v1's requests answer ${faultStatus}`,
    lesson: 'the injected failures are counted, and are all that fails',
    edits: [{ kind: 'change', file: 'catalogue-routes.yaml', change: withFault }],
    injects: faultStatus,
    check: ({ injected, requests }) => within('injected faults', injected / requests, 0.09, 0.24),
  },
  {
    title: 'an endpoint lost: the fault goes, and so does catalogue-v1-2',
    lesson: 'its file is deleted, then its processes stop; nobody notices',
    edits: [
      { kind: 'change', file: 'catalogue-routes.yaml', change: withoutFault },
      { kind: 'remove', file: 'catalogue-v1-2.yaml' },
    ],
    reached: async (mesh) => (await mesh.workload('web-1').sidecar.hostsOf(catalogueV1))?.length === 1,
    afterwards: (mesh) => mesh.stopWorkload('catalogue-v1-2'),
    check: (tally) => silent(tally, 'catalogue-v1-2') ?? answering(tally, 'catalogue-v1-1'),
  },
  {
    title: 'an outlier: stock-2 fails, is retried elsewhere, and is ejected',
    lesson: 'its callers stop asking it after three failures each; no visitor sees one',
    edits: [{ kind: 'change', file: 'stock-policy.yaml', change: withOutlierDetection }],
    afterwards: (mesh) => {
      mesh.workload('stock-2').service.behaviour.status = 500;
    },
    reachedAfterwards: async (mesh) => {
      const callers = [mesh.workload('catalogue-v1-1'), mesh.workload('catalogue-v2-1')];
      const healthy = await Promise.all(callers.map((caller) => caller.sidecar.hostsOf(stockCluster)));
      return healthy.every((hosts) => hosts?.length === 1);
    },
    check: (tally) => silent(tally, 'stock-2') ?? answering(tally, 'stock-1'),
  },
];

function weights([oldV1, oldV2]: readonly [number, number], [v1, v2]: readonly [number, number]): Edit {
  const change = (text: string): string => {
    const marked = text
      .replace(`weight: ${oldV1}\n`, 'weight: first\n')
      .replace(`weight: ${oldV2}\n`, `weight: ${v2}\n`);
    return marked.replace('weight: first\n', `weight: ${v1}\n`);
  };
  return { kind: 'change', file: 'catalogue-routes.yaml', change };
}

function byHeader(text: string): string {
  return `${text.slice(0, text.indexOf('  http:\n'))}  http:
  - match:
    - headers:
        x-group:
          exact: ${betaGroup}
    route:
    - destination:
        host: catalogue
        subset: v2
  - route:
    - destination:
        host: catalogue
        subset: v1
`;
}

const plainRule = '  - route:\n';
const faultyRule = `  - fault:
      abort:
        httpStatus: ${faultStatus}
        percentage:
          value: 20
    route:
`;

function withFault(text: string): string {
  return text.replace(plainRule, faultyRule);
}

function withoutFault(text: string): string {
  return text.replace(faultyRule, plainRule);
}

function withOutlierDetection(text: string): string {
  const balancing = '      simple: ROUND_ROBIN\n';
  return text.replace(
    balancing,
    `${balancing}    outlierDetection:
      consecutive5xxErrors: 3
      interval: 1s
      baseEjectionTime: 30s
      maxEjectionPercent: 50
`,
  );
}

function shareOf(tally: Tally, version: string, least: number, most: number): string | undefined {
  return within(`answers of ${version}`, (tally.versions.get(version) ?? 0) / tally.requests, least, most);
}

function within(what: string, share: number, least: number, most: number): string | undefined {
  if (share >= least && share <= most) return undefined;
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  return `${what} are ${percent(share)} of all, not between ${percent(least)} and ${percent(most)}`;
}

function silent(tally: Tally, instance: string): string | undefined {
  const answers = tally.instances.get(instance) ?? 0;
  return answers === 0 ? undefined : `${instance} still gave ${answers} answers`;
}

function answering(tally: Tally, instance: string): string | undefined {
  return (tally.instances.get(instance) ?? 0) > 0 ? undefined : `${instance} gave no answer`;
}
