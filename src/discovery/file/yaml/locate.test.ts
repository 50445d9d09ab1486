import { describe, expect, it } from 'vitest';
import { locate, locateEmbedded } from './locate.ts';

const file = `# licence
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  labels:
    app: reviews
    app.kubernetes.io/name: reviews
spec:
  hosts: [reviews]
  http:
  - match:
    - uri: { prefix: / }
    route:
    - destination: {host: reviews}
      weight: 90
    - destination: {host: reviews}
      weight: -1
---
# the second document
kind: Service
spec:
  ports:
  - port: 80
`;

describe('locate', () => {
  it.each([
    ['kind', 4],
    ['metadata.labels.app', 8],
    ['metadata.labels["app.kubernetes.io/name"]', 9],
    ['metadata.labels.app.kubernetes.io/name', 9],
    ['spec', 10],
    ['spec.hosts[0]', 11],
    ['spec.http[0].match[0].uri.prefix', 14],
    ['spec.http[0].route[0].weight', 17],
    ['spec.http[0].route[1].weight', 19],
    ['', 3],
  ])('finds %s', (path, line) => {
    expect(locate(file, 1, path)).toBe(line);
  });

  it.each([
    ['a field that is missing', 'spec.http[0].route[1].headers.request', 18],
    ['an item that is missing', 'spec.http[7].route', 12],
    ['a field of a scalar', 'kind.name', 4],
    ['nothing that is known', 'status.x', 3],
  ])('takes the nearest place above %s', (_name, path, line) => {
    expect(locate(file, 1, path)).toBe(line);
  });

  it('counts documents as people do: a comment before the first marker is none', () => {
    expect(locate(file, 2, 'spec.ports[0].port')).toBe(25);
    expect(locate(file, 2, '')).toBe(22);
    expect(locate('a: 1\n---\nb: 1\n', 2, 'b')).toBe(3);
    expect(locate(file, 9, 'kind')).toBe(1);
  });

  it('finds fields of broken documents as far as they can be read', () => {
    expect(locate('a:\n  b: 1\n  c: [1\n', 1, 'a.b')).toBe(2);
  });
});

describe('locateEmbedded', () => {
  const content = `kind: ConfigMap
data:
  mesh: |-
    # settings
    outboundTrafficPolicy:
      mode: REGISTRY_ONLY
  inline: "a: 1"
`;

  it.each([
    ['data.mesh', 'outboundTrafficPolicy.mode', 5],
    ['data.mesh', 'outboundTrafficPolicy', 4],
    ['data.inline', 'a', 6],
    ['data.nowhere', 'a', 1],
  ])('finds, in %s, %s', (outer, path, line) => {
    expect(locateEmbedded(content, outer, path)).toBe(line);
  });
});
