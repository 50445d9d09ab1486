import { z } from 'zod';

/** As much of a pod as injection reads; everything else is carried along as it is. */

const texts = z.record(z.string(), z.string()).nullish();
const portNumberOrName = z.union([z.number().int(), z.string()]);

const probeSchema = z.looseObject({
  httpGet: z
    .looseObject({
      path: z.string().nullish(),
      port: portNumberOrName,
      scheme: z.string().nullish(),
      host: z.string().nullish(),
    })
    .nullish(),
  tcpSocket: z.looseObject({ port: portNumberOrName, host: z.string().nullish() }).nullish(),
  grpc: z.looseObject({ port: z.number().int(), service: z.string().nullish() }).nullish(),
});

const containerSchema = z.looseObject({
  name: z.string(),
  ports: z.array(z.looseObject({ name: z.string().nullish(), containerPort: z.number().int() })).nullish(),
  restartPolicy: z.string().nullish(),
  livenessProbe: probeSchema.nullish(),
  readinessProbe: probeSchema.nullish(),
  startupProbe: probeSchema.nullish(),
  securityContext: z.looseObject({ runAsUser: z.number().nullish() }).nullish(),
});

export const podSchema = z.looseObject({
  metadata: z
    .looseObject({
      name: z.string().nullish(),
      generateName: z.string().nullish(),
      namespace: z.string().nullish(),
      labels: texts,
      annotations: texts,
    })
    .nullish(),
  spec: z.looseObject({
    hostNetwork: z.boolean().nullish(),
    restartPolicy: z.string().nullish(),
    os: z.looseObject({ name: z.string() }).nullish(),
    nodeSelector: texts,
    securityContext: z.looseObject({ runAsUser: z.number().nullish() }).nullish(),
    containers: z.array(containerSchema).min(1),
    initContainers: z.array(containerSchema).nullish(),
    volumes: z.array(z.looseObject({ name: z.string() })).nullish(),
  }),
});

/** A pod, or the template of pods of a workload. */
export type Pod = z.infer<typeof podSchema>;
export type Container = z.infer<typeof containerSchema>;
export type Probe = z.infer<typeof probeSchema>;
