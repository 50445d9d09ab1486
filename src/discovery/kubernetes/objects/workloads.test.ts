import { describe, expect, it } from 'vitest';
import type { Workload } from '../../../model/workload.ts';
import type { ObjectMetadata } from './metadata.ts';
import { convertNamespace } from './namespace.ts';
import { convertNode } from './node.ts';
import {
  anObject,
  inTestContext,
  pathsAndCodes,
  theRow,
  theRows,
} from '../../../../test/support/kubernetes-objects.ts';
import { convertPod } from './pod.ts';

type Content = Readonly<Record<string, unknown>>;

function aPod(content: Content, metadata: Partial<ObjectMetadata> = {}): Workload {
  return theRow(convertPod(anObject('Pod', content, metadata), inTestContext));
}

describe('convertPod', () => {
  it('kubernetes/K74: makes a workload of what matters of a pod', () => {
    const pod = aPod({
      spec: {
        serviceAccountName: 'reviewer',
        nodeName: 'node-1',
        containers: [
          { name: 'app', image: 'x', ports: [{ name: 'http', containerPort: 8080 }, { containerPort: 9090 }] },
          {
            name: 'other',
            ports: [
              { name: 'http', containerPort: 1 },
              { name: 'admin', containerPort: 2 },
            ],
          },
        ],
        initContainers: [
          { name: 'sidecar', restartPolicy: 'Always', ports: [{ name: 'metrics', containerPort: 3 }] },
          { name: 'setup', ports: [{ name: 'never', containerPort: 4 }] },
        ],
      },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
        conditions: [
          { type: 'Initialized', status: 'True' },
          { type: 'Ready', status: 'True' },
        ],
      },
    });
    expect(pod).toEqual({
      key: 'test/shop/reviews',
      namespace: 'shop',
      name: 'reviews',
      addresses: ['10.0.0.1', 'fd00::1'],
      labels: { app: 'reviews' },
      serviceAccount: 'reviewer',
      node: 'test/node-1',
      namedPorts: { http: 8080, admin: 2, metrics: 3 },
      ready: true,
      declaredBy: { kind: 'Pod', namespace: 'shop', name: 'reviews', origin: { source: 'test' } },
    });
  });

  it.each([
    ['a condition', { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }, false],
    ['a condition that nobody knows', { conditions: [{ type: 'Ready', status: 'Unknown' }] }, false],
    ['no condition while it runs', { phase: 'Running' }, true],
    ['no condition before it runs', { phase: 'Pending' }, false],
    ['nothing, as in a file written by hand', undefined, true],
  ])('is ready by %s', (_name, status, ready) => {
    expect(aPod({ status }).ready).toBe(ready);
  });

  it('is not ready while it is being deleted', () => {
    const status = { conditions: [{ type: 'Ready', status: 'True' }] };
    expect(aPod({ status }, { terminating: true }).ready).toBe(false);
  });

  it.each(['Succeeded', 'Failed'])('kubernetes/K72: a pod that has %s is no workload any more', (phase) => {
    const object = anObject('Pod', { status: { phase, podIP: '10.0.0.1' } });
    expect(theRows(convertPod(object, inTestContext))).toEqual([]);
  });

  it('kubernetes/K77: a pod on the network of its host is not known by its address', () => {
    expect(aPod({ spec: { hostNetwork: true }, status: { podIP: '192.168.0.1' } }).addresses).toEqual([]);
  });

  it('runs as the service account default unless it says otherwise', () => {
    expect(aPod({}).serviceAccount).toBe('default');
  });

  it('says everything that is wrong', () => {
    const object = anObject('Pod', {
      spec: { serviceAccountName: 1, containers: [{ ports: [{ containerPort: 0 }] }] },
      status: { podIP: 'here' },
    });
    expect(pathsAndCodes(convertPod(object, inTestContext))).toEqual([
      'spec.serviceAccountName WEIR1002',
      'spec.containers[0].ports[0].containerPort WEIR1004',
      'status.podIP WEIR1011',
    ]);
  });
});

describe('convertNode', () => {
  it.each([
    [
      { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z', 'topology.istio.io/subzone': 's' },
      { region: 'r', zone: 'z', subZone: 's' },
    ],
    [
      { 'failure-domain.beta.kubernetes.io/region': 'r', 'failure-domain.beta.kubernetes.io/zone': 'z' },
      { region: 'r', zone: 'z', subZone: '' },
    ],
    [{}, { region: '', zone: '', subZone: '' }],
  ])('kubernetes/K74: the labels %j are a place', (labels, locality) => {
    const node = theRow(convertNode(anObject('Node', {}, { name: 'node-1', namespace: '', labels }), inTestContext));
    expect(node).toEqual({ key: 'test/node-1', name: 'node-1', locality });
  });
});

it('makes a row of a namespace', () => {
  const object = anObject('Namespace', {}, { name: 'shop', namespace: '', labels: { team: 'a' } });
  expect(theRow(convertNamespace(object))).toEqual({ name: 'shop', labels: { team: 'a' } });
});
