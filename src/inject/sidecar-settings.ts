import type { AddressFamily } from './interception.ts';
import { readCidrs, readFamilies, readInterfaces, readPorts } from './interception-values.ts';
import type { Pod } from './pod.ts';

/**
 * What the annotations of a pod ask of its sidecar. Each has a name of Weir and, where Istio has the same, Istio's; Weir's wins. The images of
 * containers that get rights of their own are not among them (reliability S16).
 */

export interface SidecarSettings {
  /** The workload's own word; undefined: it has none. */
  readonly inject: boolean | undefined;
  readonly interception: 'redirect' | 'none';
  /** undefined: all. */
  readonly inboundPorts: readonly number[] | undefined;
  readonly excludedInboundPorts: readonly number[];
  /** undefined: all. */
  readonly outboundBlocks: readonly string[] | undefined;
  readonly excludedOutboundBlocks: readonly string[];
  readonly excludedOutboundPorts: readonly number[];
  readonly excludedInterfaces: readonly string[];
  readonly families: readonly AddressFamily[] | undefined;
  readonly image: string | undefined;
  readonly resources: SidecarResources;
  readonly concurrency: number | undefined;
  readonly native: boolean | undefined;
  /** The application's containers start when the sidecar is ready. */
  readonly holdsApplication: boolean;
  readonly rewritesProbes: boolean;
}

/** Quantities of Kubernetes; undefined: the usual one, or none. */
export interface SidecarResources {
  readonly cpu: string | undefined;
  readonly memory: string | undefined;
  readonly cpuLimit: string | undefined;
  readonly memoryLimit: string | undefined;
}

/** Weir's name, then Istio's. */
export const settingNames = {
  inject: ['weir.dev/inject', 'sidecar.istio.io/inject'],
  interception: ['weir.dev/interception', 'sidecar.istio.io/interceptionMode'],
  includeInboundPorts: ['weir.dev/include-inbound-ports', 'traffic.sidecar.istio.io/includeInboundPorts'],
  excludeInboundPorts: ['weir.dev/exclude-inbound-ports', 'traffic.sidecar.istio.io/excludeInboundPorts'],
  includeOutboundCidrs: ['weir.dev/include-outbound-cidrs', 'traffic.sidecar.istio.io/includeOutboundIPRanges'],
  excludeOutboundCidrs: ['weir.dev/exclude-outbound-cidrs', 'traffic.sidecar.istio.io/excludeOutboundIPRanges'],
  excludeOutboundPorts: ['weir.dev/exclude-outbound-ports', 'traffic.sidecar.istio.io/excludeOutboundPorts'],
  excludeInterfaces: ['weir.dev/exclude-interfaces', 'traffic.sidecar.istio.io/excludeInterfaces'],
  ipFamilies: ['weir.dev/ip-families'],
  image: ['weir.dev/proxy-image', 'sidecar.istio.io/proxyImage'],
  cpu: ['weir.dev/proxy-cpu', 'sidecar.istio.io/proxyCPU'],
  memory: ['weir.dev/proxy-memory', 'sidecar.istio.io/proxyMemory'],
  cpuLimit: ['weir.dev/proxy-cpu-limit', 'sidecar.istio.io/proxyCPULimit'],
  memoryLimit: ['weir.dev/proxy-memory-limit', 'sidecar.istio.io/proxyMemoryLimit'],
  concurrency: ['weir.dev/proxy-concurrency'],
  native: ['weir.dev/native-sidecar', 'sidecar.istio.io/nativeSidecar'],
  hold: ['weir.dev/hold-application'],
  rewriteProbes: ['weir.dev/rewrite-probes', 'sidecar.istio.io/rewriteAppHTTPProbers'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;

type SettingName = keyof typeof settingNames;

/** What is wrong with annotations: each names one, and says how it should be. */
export interface AnnotationProblems {
  readonly problems: readonly string[];
}

export function sidecarSettings(pod: Pod): SidecarSettings | AnnotationProblems {
  const { annotations, labels } = pod.metadata ?? {};
  const problems: string[] = [];
  const read = <Value>(
    setting: SettingName,
    parse: (text: string) => Value | undefined,
    form: string,
    fallback: Value,
  ): Value => {
    const name = settingNames[setting].find((each) => annotations?.[each] !== undefined);
    const text = name === undefined ? undefined : annotations?.[name];
    if (name === undefined || text === undefined) return fallback;
    const value = parse(text.trim());
    if (value === undefined) problems.push(`annotation ${name} must be ${form}, and is ${JSON.stringify(text)}`);
    return value ?? fallback;
  };
  const list = <Item>(setting: SettingName, parse: (text: string) => readonly Item[] | undefined, form: string) =>
    read<readonly Item[]>(setting, (text) => (text === '' ? [] : parse(text)), form, []);
  const some = <Item>(setting: SettingName, parse: (text: string) => readonly Item[] | undefined, form: string) =>
    read<{ readonly items: readonly Item[] | undefined }>(
      setting,
      (text) => {
        if (text === '*') return { items: undefined };
        const items = text === '' || text === 'none' ? [] : parse(text);
        return items === undefined ? undefined : { items };
      },
      `*, none or ${form}`,
      { items: undefined },
    ).items;
  const [ports, blocks] = ['ports with commas between them', 'CIDRs with commas between them'];
  const flag = (setting: SettingName) => read<boolean | undefined>(setting, readFlag, 'true or false', undefined);
  const quantity = (setting: SettingName) =>
    read<string | undefined>(setting, readQuantity, 'a quantity such as 100m or 128Mi', undefined);
  // As in Istio, the label is what a webhook can select by, and the annotation is the older form.
  const label = settingNames.inject.map((name) => labels?.[name]).find((text) => text !== undefined);
  const settings: SidecarSettings = {
    inject: (label === undefined ? undefined : readFlag(label)) ?? flag('inject'),
    interception: read('interception', readInterception, 'redirect or none', 'redirect'),
    inboundPorts: some('includeInboundPorts', readPorts, ports),
    excludedInboundPorts: list('excludeInboundPorts', readPorts, ports),
    outboundBlocks: some('includeOutboundCidrs', readCidrs, blocks),
    excludedOutboundBlocks: list('excludeOutboundCidrs', readCidrs, blocks),
    excludedOutboundPorts: list('excludeOutboundPorts', readPorts, ports),
    excludedInterfaces: list('excludeInterfaces', readInterfaces, 'names of interfaces with commas between them'),
    families: read<readonly AddressFamily[] | undefined>('ipFamilies', readFamilies, 'ipv4, ipv6 or both', undefined),
    image: read<string | undefined>('image', readImage, 'an image', undefined),
    resources: {
      cpu: quantity('cpu'),
      memory: quantity('memory'),
      cpuLimit: quantity('cpuLimit'),
      memoryLimit: quantity('memoryLimit'),
    },
    concurrency: read<number | undefined>('concurrency', readCount, 'a number from 1 to 999', undefined),
    native: flag('native'),
    holdsApplication: flag('hold') ?? true,
    rewritesProbes: flag('rewriteProbes') ?? true,
  };
  return problems.length > 0 ? { problems } : settings;
}

function readFlag(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function readInterception(text: string): 'redirect' | 'none' | undefined {
  const mode = text.toLowerCase();
  return mode === 'redirect' || mode === 'none' ? mode : undefined;
}

function readQuantity(text: string): string | undefined {
  return /^\d{1,12}(\.\d{1,3})?(m|k|Ki|M|Mi|G|Gi)?$/.test(text) ? text : undefined;
}

function readImage(text: string): string | undefined {
  return /^[\w.\-/:@]{1,512}$/.test(text) ? text : undefined;
}

function readCount(text: string): number | undefined {
  return /^[1-9]\d{0,2}$/.test(text) ? Number(text) : undefined;
}
