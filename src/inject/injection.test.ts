import { describe, expect, it } from 'vitest';
import { injectPod, type InjectionResult } from './injection.ts';
import { podSchema, type Container, type Pod } from './pod.ts';
import type { InjectionOptions } from './sidecar-form.ts';
import { settingNames } from './sidecar-settings.ts';

const options: InjectionOptions = {
  weirImage: 'weir:1',
  envoyImage: 'envoyproxy/envoy:v1.40.0',
  xds: { host: 'weir.weir-system.svc', port: 15_012 },
  tokenAudience: 'istio-ca',
  domain: 'cluster.local',
  clusterId: 'Kubernetes',
  nativeSidecars: true,
  excludedNamespaces: ['weir-system'],
};

interface PodParts {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function aPod({ labels = { app: 'web', version: 'v2' }, annotations = {}, container = {}, spec = {} }: PodParts = {}) {
  return podSchema.parse({
    metadata: { generateName: 'web-', labels, annotations },
    spec: { containers: [{ name: 'web', image: 'web', ...container }], ...spec },
  });
}

function result(pod: Pod, changes: Partial<InjectionOptions> = {}, namespace = 'shop'): InjectionResult {
  return injectPod(pod, namespace, { ...options, ...changes });
}

function injected(pod: Pod, changes: Partial<InjectionOptions> = {}): Pod {
  const given = result(pod, changes);
  if (given.kind !== 'injected') throw new Error(JSON.stringify(given));
  return given.pod;
}

function container(pod: Pod, name: string): Container {
  const found = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((each) => each.name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

const names = (containers: readonly Container[] | null | undefined) => containers?.map(({ name }) => name);
const argsOf = (pod: Pod, name: string) => container(pod, name)['args'] as readonly string[];

describe('a pod', () => {
  it('reliability/R33: gets a sidecar that starts before its own init containers and ends after it, where the cluster has such', () => {
    const pod = injected(aPod({ spec: { initContainers: [{ name: 'migrate', image: 'web' }] } }));
    expect(names(pod.spec.initContainers)).toEqual(['weir-bootstrap', 'weir-intercept', 'weir-proxy', 'migrate']);
    expect(names(pod.spec.containers)).toEqual(['web']);
    expect(container(pod, 'weir-proxy')).toMatchObject({
      image: 'envoyproxy/envoy:v1.40.0',
      restartPolicy: 'Always',
      startupProbe: { httpGet: { path: '/healthz/ready', port: 15_021 } },
    });
  });

  it('reliability/R33: elsewhere is held until the sidecar is ready, and has its network while it prepares itself', () => {
    const pod = injected(aPod({ spec: { initContainers: [{ name: 'migrate', image: 'web' }] } }), {
      nativeSidecars: false,
    });
    expect(names(pod.spec.initContainers)).toEqual(['migrate', 'weir-bootstrap', 'weir-intercept']);
    expect(names(pod.spec.containers)).toEqual(['weir-proxy', 'web']);
    expect(container(pod, 'weir-proxy')).toMatchObject({
      lifecycle: { postStart: { exec: {} }, preStop: { sleep: { seconds: 5 } } },
    });
    expect(container(pod, 'weir-proxy')).not.toHaveProperty('restartPolicy');
  });

  it('kubernetes/K92, kubernetes/K110: has a token for the control plane, its root certificate and room for the bootstrap', () => {
    expect(injected(aPod({ spec: { volumes: [{ name: 'own', emptyDir: {} }] } })).spec.volumes).toEqual([
      { name: 'own', emptyDir: {} },
      { name: 'weir-envoy', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
      {
        name: 'weir-token',
        projected: {
          sources: [{ serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43_200, path: 'token' } }],
        },
      },
      {
        name: 'weir-root',
        configMap: { name: 'istio-ca-root-cert', items: [{ key: 'root-cert.pem', path: 'root-cert.pem' }] },
      },
    ]);
  });

  it('kubernetes/K108: has no container of ours with more rights than it needs', () => {
    const pod = injected(aPod());
    const restricted = {
      runAsUser: 1337,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    };
    expect(container(pod, 'weir-proxy').securityContext).toMatchObject(restricted);
    expect(container(pod, 'weir-bootstrap').securityContext).toMatchObject(restricted);
    expect(container(pod, 'weir-intercept').securityContext).toMatchObject({
      ...restricted,
      runAsUser: 0,
      runAsNonRoot: false,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
    });
    const without = injected(aPod({ annotations: { 'weir.dev/interception': 'none' } }));
    expect(names(without.spec.initContainers)).toEqual(['weir-bootstrap', 'weir-proxy']);
    expect(argsOf(without, 'weir-bootstrap')).toContain('--interception=none');
  });

  it('reliability/S16: cannot choose the image or the command of the container with rights', () => {
    const annotations = Object.fromEntries(
      Object.values(settingNames).flatMap((each) => each.map((name) => [name, 'evil:1 --clean $(x)'])),
    );
    expect(result(aPod({ annotations }))).toMatchObject({ kind: 'invalid' });
    const image = injected(aPod({ annotations: { 'weir.dev/proxy-image': 'evil:1' } }));
    expect(container(image, 'weir-proxy')['image']).toBe('evil:1');
    expect(container(image, 'weir-intercept')['image']).toBe('weir:1');
  });

  it('kubernetes/K111: is labelled as one that takes mTLS, under its canonical name; what its author said stays', () => {
    expect(injected(aPod()).metadata).toMatchObject({
      generateName: 'web-',
      labels: {
        app: 'web',
        version: 'v2',
        'security.istio.io/tlsMode': 'istio',
        'service.istio.io/canonical-name': 'web',
        'service.istio.io/canonical-revision': 'v2',
      },
      annotations: { 'kubectl.kubernetes.io/default-container': 'web' },
    });
    const labels = { 'service.istio.io/canonical-name': 'own' };
    expect(injected(aPod({ labels })).metadata?.labels).toMatchObject(labels);
  });

  it('kubernetes/K88: stays as it is when it is asked about again', () => {
    const once = injected(aPod());
    expect(result(once)).toEqual({ kind: 'skipped', reason: 'it has a sidecar already' });
  });

  it.each<[string, Pod, string]>([
    ['on the network of its node', aPod({ spec: { hostNetwork: true } }), 'shop'],
    ['of the control plane', aPod(), 'weir-system'],
    ['of Kubernetes', aPod(), 'kube-system'],
    ["with Istio's sidecar", aPod({ spec: { initContainers: [{ name: 'istio-proxy' }] } }), 'shop'],
    ['of Windows', aPod({ spec: { os: { name: 'windows' } } }), 'shop'],
    ['whose label says no', aPod({ labels: { 'weir.dev/inject': 'false' } }), 'shop'],
    ["whose label says no in Istio's words", aPod({ labels: { 'sidecar.istio.io/inject': 'false' } }), 'shop'],
    ['whose annotation says no', aPod({ annotations: { 'sidecar.istio.io/inject': 'false' } }), 'shop'],
  ])('kubernetes/K114: gets none %s', (_what, pod, namespace) => {
    expect(result(pod, {}, namespace)).toMatchObject({ kind: 'skipped' });
  });

  it('has connections intercepted as its annotations say, in the words of Weir or of Istio', () => {
    const pod = injected(
      aPod({
        annotations: {
          'traffic.sidecar.istio.io/excludeInboundPorts': '22, 9090',
          'traffic.sidecar.istio.io/excludeOutboundPorts': '3306',
          'weir.dev/exclude-outbound-ports': '5432',
          'weir.dev/exclude-outbound-cidrs': '10.0.5.0/24',
          'traffic.sidecar.istio.io/includeOutboundIPRanges': '*',
          'weir.dev/include-inbound-ports': '',
          'weir.dev/ip-families': 'ipv4',
        },
      }),
    );
    expect(argsOf(pod, 'weir-intercept')).toEqual([
      'intercept',
      '--proxy-uid=1337',
      '--proxy-gid=1337',
      '--include-inbound-ports=none',
      '--exclude-inbound-ports=22,9090',
      '--exclude-outbound-cidrs=10.0.5.0/24',
      '--exclude-outbound-ports=5432',
      '--ip-families=ipv4',
    ]);
  });

  it('is refused with everything that its annotations have wrong', () => {
    const annotations = { 'weir.dev/exclude-inbound-ports': 'http', 'sidecar.istio.io/interceptionMode': 'TPROXY' };
    expect(result(aPod({ annotations }))).toEqual({
      kind: 'invalid',
      problems: [
        'annotation sidecar.istio.io/interceptionMode must be redirect or none, and is "TPROXY"',
        'annotation weir.dev/exclude-inbound-ports must be ports with commas between them, and is "http"',
      ],
    });
  });

  it('hears what it does not expect', () => {
    const warnings = (pod: Pod, changes: Partial<InjectionOptions> = {}) => {
      const given = result(pod, changes);
      return given.kind === 'injected' ? given.warnings : [];
    };
    expect(warnings(aPod())).toEqual([]);
    expect(warnings(aPod({ spec: { securityContext: { runAsUser: 1337 } } }))).toHaveLength(1);
    expect(warnings(aPod({ spec: { restartPolicy: 'Never' } }), { nativeSidecars: false })).toHaveLength(1);
  });
});

describe('kubernetes/K112, policy/P349: probes', () => {
  const ports = [{ name: 'web', containerPort: 8080 }];

  it.each([
    [{ httpGet: { path: '/healthz?full', port: 'web' } }, 'http:8080/healthz?full'],
    [{ httpGet: { path: 'healthz', port: 8080, scheme: 'HTTPS' } }, 'https:8080/healthz'],
    [{ tcpSocket: { port: 5432 } }, 'tcp:5432'],
    [{ grpc: { port: 9000, service: 'a.B' } }, 'grpc:9000/a.B'],
    [{ grpc: { port: 9000 } }, 'grpc:9000'],
  ])('%j are asked of the sidecar, which carries them on', (check, text) => {
    const pod = injected(aPod({ container: { ports, readinessProbe: { ...check, periodSeconds: 3 } } }));
    expect(argsOf(pod, 'weir-bootstrap')).toContain(`--probe=/app-health/web/readyz=${text}`);
    expect(container(pod, 'web').readinessProbe).toEqual({
      httpGet: { path: '/app-health/web/readyz', port: 15_021 },
      periodSeconds: 3,
    });
  });

  it.each<[string, PodParts]>([
    ['by a command', { container: { livenessProbe: { exec: { command: ['true'] } } } }],
    ['of another machine', { container: { livenessProbe: { tcpSocket: { host: '192.0.2.1', port: 80 } } } }],
    ['of a port without number', { container: { livenessProbe: { httpGet: { port: 'web' } } } }],
    [
      'of a port that is not intercepted',
      {
        container: { livenessProbe: { httpGet: { port: 80 } } },
        annotations: { 'weir.dev/exclude-inbound-ports': '80' },
      },
    ],
    [
      'where that is not wanted',
      {
        container: { livenessProbe: { httpGet: { port: 80 } } },
        annotations: { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' },
      },
    ],
  ])('%s stay as they are', (_what, parts) => {
    const pod = aPod(parts);
    expect(injected(pod).spec.containers).toEqual(pod.spec.containers);
  });

  it('keep the headers of a check, and text that Kubernetes would put something in place of', () => {
    const httpGet = { path: '/$(POD_IP)', port: 80, httpHeaders: [{ name: 'Host', value: 'web' }] };
    const pod = injected(aPod({ container: { startupProbe: { httpGet } } }));
    expect(container(pod, 'web').startupProbe).toEqual({
      httpGet: { path: '/app-health/web/startupz', port: 15_021, httpHeaders: [{ name: 'Host', value: 'web' }] },
    });
    expect(argsOf(pod, 'weir-bootstrap')).toContain('--probe=/app-health/web/startupz=http:80/$$(POD_IP)');
  });
});
