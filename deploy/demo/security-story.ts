import { httpGet } from './echo-service.ts';
import type { Mesh } from './mesh.ts';
import type { Step } from './story.ts';

/** What a mesh can do whose sidecars have shown who they are. */

const namespace = 'shop';

const mutualTls = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: ${namespace}
spec:
  mtls:
    mode: STRICT
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: web
  namespace: ${namespace}
spec:
  selector:
    matchLabels:
      app: web
  mtls:
    mode: PERMISSIVE
`;

const stockCallers = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: stock-callers
  namespace: ${namespace}
spec:
  selector:
    matchLabels:
      app: stock
  action: ALLOW
  rules:
  - from:
    - source:
        principals: [cluster.local/ns/${namespace}/sa/catalogue]
`;

export const securityStory: readonly Step[] = [
  {
    title: 'mutual TLS is required of everybody but web, whose visitors come from outside',
    lesson: 'catalogue and stock turn away who has no certificate; no visitor notices',
    edits: [{ kind: 'add', file: 'mutual-tls.yaml', text: mutualTls }],
    reachedAfterwards: async (mesh) => (await askInTheClear(mesh, 'stock-1')) === 0,
    check: () => undefined,
  },
  {
    title: 'who may call whom: stock answers catalogue alone',
    lesson: 'web, which has a certificate as well, is answered 403 by stock; no visitor notices',
    edits: [{ kind: 'add', file: 'stock-callers.yaml', text: stockCallers }],
    reachedAfterwards: async (mesh) => (await askAs(mesh, 'web-1', 'http://stock/')) === 403,
    check: () => undefined,
  },
];

/** What somebody outside the mesh is answered who dials a pod; 0: nothing. */
async function askInTheClear(mesh: Mesh, pod: string): Promise<number> {
  const { pod: place, port } = mesh.workload(pod);
  return (await httpGet({ host: place.address, port, path: '/', headers: { host: place.app } })).status;
}

/** What a pod is answered that calls a service through its sidecar. */
async function askAs(mesh: Mesh, pod: string, url: string): Promise<number> {
  const { proxyPort } = mesh.workload(pod);
  const headers = { host: new URL(url).host };
  return (await httpGet({ host: '127.0.0.1', port: proxyPort, path: url, headers })).status;
}
