import type { Container } from './pod.ts';
import { probeText, type CarriedProbe } from './probes.ts';
import {
  containerNames,
  files,
  places,
  proxyUser,
  statusPort,
  volumeNames,
  type InjectionOptions,
} from './sidecar-form.ts';
import type { SidecarSettings } from './sidecar-settings.ts';

/** The containers that injection adds. */

/** Restricted, as the Pod Security Standards have it. */
const restricted = {
  runAsUser: proxyUser,
  runAsGroup: proxyUser,
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

const initResources = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } };

/** Writes what the Envoy starts with: only the node knows the name and the address of the pod. */
export function bootstrapContainer(
  { interception }: SidecarSettings,
  probes: readonly CarriedProbe[],
  { weirImage, xds, domain, clusterId }: InjectionOptions,
): Container {
  const options = {
    workload: '$(POD_NAME)',
    namespace: '$(POD_NAMESPACE)',
    ip: '$(POD_IP)',
    'service-account': '$(SERVICE_ACCOUNT)',
    domain,
    'cluster-id': clusterId,
    interception,
    xds: `${xds.host}:${xds.port}`,
    'root-certificate': files.root,
    'token-file': files.token,
    'status-port': String(statusPort),
    output: files.bootstrap,
  };
  return {
    name: containerNames.bootstrap,
    image: weirImage,
    args: [
      'bootstrap',
      ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
      ...probes.map((probe) => `--probe=${withoutVariables(probeText(probe))}`),
    ],
    env: [
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('POD_IP', 'status.podIP'),
      field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    ],
    resources: initResources,
    securityContext: restricted,
    volumeMounts: [{ name: volumeNames.bootstrap, mountPath: places.bootstrap }],
  };
}

/** Has more rights than the workload may have: nothing that the workload's author writes chooses its image or its command. */
export function interceptContainer(settings: SidecarSettings, { weirImage }: InjectionOptions): Container {
  const orNone = (items: readonly (string | number)[] | undefined) =>
    items === undefined ? undefined : items.length === 0 ? 'none' : items.join(',');
  const options = {
    'include-inbound-ports': orNone(settings.inboundPorts),
    'exclude-inbound-ports': settings.excludedInboundPorts.join(','),
    'include-outbound-cidrs': orNone(settings.outboundBlocks),
    'exclude-outbound-cidrs': settings.excludedOutboundBlocks.join(','),
    'exclude-outbound-ports': settings.excludedOutboundPorts.join(','),
    'exclude-interfaces': settings.excludedInterfaces.join(','),
    'ip-families': settings.families?.join(','),
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== '');
  return {
    name: containerNames.intercept,
    image: weirImage,
    args: [
      'intercept',
      `--proxy-uid=${proxyUser}`,
      `--proxy-gid=${proxyUser}`,
      ...given.map(([name, value]) => `--${name}=${value ?? ''}`),
    ],
    resources: initResources,
    securityContext: {
      ...restricted,
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
    },
  };
}

export function proxyContainer(settings: SidecarSettings, isNative: boolean, options: InjectionOptions): Container {
  const { resources } = settings;
  const ready = { httpGet: { path: '/healthz/ready', port: statusPort } };
  return {
    name: containerNames.proxy,
    image: settings.image ?? options.envoyImage,
    command: ['envoy'],
    args: [
      ...['-c', files.bootstrap, '--disable-hot-restart', '--log-level', 'warning'],
      // An Envoy takes a thread for each core of the node otherwise, whatever share of them is its own.
      ...['--concurrency', String(settings.concurrency ?? 2)],
    ],
    ports: [{ name: 'weir-status', containerPort: statusPort, protocol: 'TCP' }],
    // Native: what comes after it starts when this succeeds.
    startupProbe: { ...ready, periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 600 },
    readinessProbe: { ...ready, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 4 },
    ...(isNative ? { restartPolicy: 'Always' } : { lifecycle: lifecycle(settings) }),
    resources: {
      requests: { cpu: resources.cpu ?? '100m', memory: resources.memory ?? '128Mi' },
      limits: {
        memory: resources.memoryLimit ?? '1Gi',
        ...(resources.cpuLimit === undefined ? {} : { cpu: resources.cpuLimit }),
      },
    },
    securityContext: restricted,
    volumeMounts: [
      { name: volumeNames.bootstrap, mountPath: places.bootstrap, readOnly: true },
      { name: volumeNames.token, mountPath: places.token, readOnly: true },
      { name: volumeNames.root, mountPath: places.root, readOnly: true },
    ],
  };
}

/**
 * Where sidecars are ordinary containers (reliability R33): containers start in their order, and the next one waits for this hook; and all
 * are told to end at once, so that the sidecar stays a little for what the application still has to say.
 */
function lifecycle({ holdsApplication }: SidecarSettings): unknown {
  const untilReady = `until exec 3<>/dev/tcp/127.0.0.1/${statusPort} && printf 'GET /ready HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 200 ' <&3; do sleep 0.2; done 2>/dev/null`;
  return {
    ...(holdsApplication ? { postStart: { exec: { command: ['bash', '-c', untilReady] } } } : {}),
    preStop: { sleep: { seconds: 5 } },
  };
}

function field(name: string, fieldPath: string): unknown {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** Kubernetes puts values of variables in place of `$(NAME)`. */
function withoutVariables(text: string): string {
  return text.replaceAll('$(', '$$$$(');
}
