import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { injectPod } from '../inject/injection.ts';
import { podSchema } from '../inject/pod.ts';
import { injectManifest } from './manifest-injection.ts';

const options = {
  weirImage: 'weir:1',
  envoyImage: 'envoy:1',
  xds: { host: 'weir.weir-system.svc', port: 15_012 },
  tokenAudience: 'istio-ca',
  domain: 'cluster.local',
  clusterId: 'Kubernetes',
  nativeSidecars: true,
  excludedNamespaces: ['weir-system'],
};

const inject = (text: string) => injectManifest(text, { namespace: 'shop', options });

const service = `apiVersion: v1
kind: Service # as it is
metadata: {name: web}
spec:
  ports:
  - port: 80
`;
const template = (indent: string) =>
  `
metadata:
  labels: {app: web} # labels
spec:
  containers:
  # the one
  - name: web
    image: "web"   # quoted
    readinessProbe:
      httpGet: {path: /healthz, port: 8080}
`.replaceAll('\n', `\n${indent}`);

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3 # three
  template:${template('    ').trimEnd()}
`;

interface Injected {
  readonly kind: string;
  readonly spec: { readonly template: unknown };
}

describe('weir inject', () => {
  it('kubernetes/K114: makes of a template what the webhook makes of its pods', () => {
    const { text, remarks, problems } = inject(`${service}---\n${deployment}`);
    expect([remarks, problems]).toEqual([[], []]);
    const objects = parseAllDocuments(text).map((document) => document.toJS() as Injected);
    const [before] = parseAllDocuments(deployment).map((document) => document.toJS() as Injected);
    const byWebhook = injectPod(podSchema.parse(before?.spec.template), 'shop', options);
    expect(objects[1]?.spec.template).toEqual(byWebhook.kind === 'injected' ? byWebhook.pod : undefined);
  });

  it('prints everything else as it is', () => {
    const { text } = inject(`${service}---\n${deployment}`);
    expect(text.startsWith(`${service}---\n`)).toBe(true);
    for (const kept of ['replicas: 3 # three', '# the one', 'image: "web" # quoted', '# labels']) {
      expect(text).toContain(kept);
    }
    expect(inject(service).text).toBe(service);
  });

  it('changes nothing when it has been at work before', () => {
    const once = inject(deployment).text;
    expect(inject(once)).toMatchObject({
      text: once,
      remarks: ['Deployment web gets no sidecar: it has a sidecar already'],
    });
  });

  it.each([
    ['Pod', `kind: Pod${template('').replace('metadata:', 'metadata:\n  name: web')}`],
    ['CronJob', `kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:${template('        ')}`],
    ['List', `kind: List\nitems:\n- kind: StatefulSet\n  spec:\n    template:${template('      ')}`],
    ['JSON', JSON.stringify(parseAllDocuments(deployment)[0]?.toJS())],
  ])('finds the pods of a %s', (_kind, text) => {
    expect(inject(text).text).toContain('weir-proxy');
  });

  it('names what is left without, and what cannot be', () => {
    const host = inject(deployment.replace('containers:', 'hostNetwork: true\n      containers:'));
    expect(host.remarks).toEqual([
      "Deployment web gets no sidecar: it is on its node's network, whose connections are not its own",
    ]);
    const annotations = 'annotations: {weir.dev/proxy-cpu: much}';
    const wrong = inject(deployment.replace('labels: {app: web}', annotations));
    expect(wrong.problems).toEqual([
      'Deployment web: annotation weir.dev/proxy-cpu must be a quantity such as 100m or 128Mi, and is "much"',
    ]);
    expect(inject('a: [').problems).toHaveLength(1);
    expect(inject('kind: Pod\nspec: {}').problems).toHaveLength(1);
  });
});
