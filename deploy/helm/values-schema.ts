import { z } from 'zod';
import { settingKeys, settings, type SettingKey } from '../../src/app/settings.ts';

/** What may stand in the values of the chart: every key has to be known, because a misspelt one would be ignored in silence. */

const labels = z.record(z.string(), z.string());
/** Of Kubernetes' own types: the API server checks them. */
const kubernetesObject = z.looseObject({});
const kubernetesList = z.array(kubernetesObject);
const count = z.int().min(1);
const port = z.int().min(1).max(65_535);

/** Settings that have to fit the rest of the chart: ports, what is mounted where, and what Weir may read. */
const settingsOfTheChart: ReadonlySet<SettingKey> = new Set([
  'admin',
  'xdsTls',
  'xdsTlsCert',
  'xdsTlsKey',
  'xdsTlsClientCa',
  'xdsTlsNames',
  'webhook',
  'webhookCert',
  'webhookKey',
  'webhookCa',
  'webhookConfiguration',
  'injectImage',
  'injectXds',
  'injectNever',
  'kubernetes',
  'kubeconfig',
  'kubernetesContext',
  'kubernetesMeshConfig',
  'kubernetesStatusLease',
  'kubernetesRemoteSecrets',
]);

const settingValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

const ownSettings = z.strictObject(
  Object.fromEntries(
    settingKeys
      .filter((key) => !settingsOfTheChart.has(key))
      .map((key) => [key, settingValue.optional().describe(settings[key].description)]),
  ),
);

const values = z
  .strictObject({
    revision: z.string().regex(/^([a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?)?$/),
    image: z.strictObject({
      repository: z.string().min(1),
      tag: z.string(),
      digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
      pullSecrets: z.array(z.strictObject({ name: z.string() })),
    }),
    replicas: count,
    autoscaling: z.strictObject({
      enabled: z.boolean(),
      minReplicas: count,
      maxReplicas: count,
      cpuUtilization: z.int().min(1).max(1000),
    }),
    podDisruptionBudget: z.strictObject({
      enabled: z.boolean(),
      maxUnavailable: z.union([z.int().min(0), z.string().regex(/^\d{1,3}%$/)]),
    }),
    settings: ownSettings,
    remoteClusters: z.strictObject({ enabled: z.boolean() }),
    ca: z.strictObject({ enabled: z.boolean() }),
    mesh: kubernetesObject,
    listen: z.enum(['0.0.0.0', '[::]']),
    xds: z.strictObject({ tls: z.strictObject({ secretName: z.string(), names: z.array(z.string().min(1)) }) }),
    webhook: z.strictObject({
      enabled: z.boolean(),
      failurePolicy: z.enum(['Ignore', 'Fail']),
      timeoutSeconds: z.int().min(1).max(30),
      tls: z.strictObject({ secretName: z.string().min(1) }),
    }),
    injection: z.strictObject({
      enabled: z.boolean(),
      failurePolicy: z.enum(['Ignore', 'Fail']),
      istioLabels: z.boolean(),
    }),
    serviceAccount: z.strictObject({ create: z.boolean(), name: z.string(), annotations: labels }),
    rbac: z.strictObject({ create: z.boolean() }),
    resources: kubernetesObject,
    env: kubernetesList,
    podAnnotations: labels,
    nodeSelector: labels,
    tolerations: kubernetesList,
    affinity: kubernetesObject,
    priorityClassName: z.string(),
    topologySpread: z.array(
      z.strictObject({ topologyKey: z.string(), whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']) }),
    ),
    preStopSeconds: z.int().min(1),
    terminationGracePeriodSeconds: z.int().min(1),
    networkPolicy: z.strictObject({
      enabled: z.boolean(),
      xdsFrom: kubernetesList,
      metricsFrom: kubernetesList,
      apiServerPorts: z.array(port).min(1),
      extraEgress: kubernetesList,
    }),
    metrics: z.strictObject({
      serviceMonitor: z.strictObject({ enabled: z.boolean(), interval: z.string(), labels }),
      prometheusRule: z.strictObject({ enabled: z.boolean(), labels }),
      dashboards: z.strictObject({ enabled: z.boolean(), labels }),
    }),
    // Of a chart that has this one as a part.
    global: kubernetesObject,
  })
  .partial({ global: true });

/** The file beside `values.yaml` by which Helm checks what it is given. */
export function valuesSchemaJson(): string {
  return `${JSON.stringify(z.toJSONSchema(values, { target: 'draft-7', io: 'input' }), null, 2)}\n`;
}
