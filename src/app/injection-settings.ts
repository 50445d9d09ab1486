import { z } from 'zod';
import { names, socketAddress } from './setting-schemas.ts';
import type { Setting } from './settings.ts';

/** Settings of the webhook that gives pods their sidecars. */

const imageName = z.string().regex(/^[\w.\-/:@]+$/, { error: 'must be the name of an image' });

export const injectionSettings = {
  injectImage: {
    schema: imageName,
    flag: 'inject-image',
    placeholder: 'IMAGE',
    variable: 'WEIR_INJECT_IMAGE',
    default: undefined,
    description:
      "answer reviews of a MutatingWebhookConfiguration on /inject beside --webhook, which give pods a sidecar; the image is Weir's own, for their init containers",
  },
  injectEnvoyImage: {
    schema: imageName,
    flag: 'inject-envoy-image',
    placeholder: 'IMAGE',
    variable: 'WEIR_INJECT_ENVOY_IMAGE',
    default: 'envoyproxy/envoy:v1.40.0',
    description: 'image of the sidecar: a stock Envoy',
  },
  injectXds: {
    schema: socketAddress,
    flag: 'inject-xds',
    placeholder: 'HOST:PORT',
    variable: 'WEIR_INJECT_XDS',
    default: 'weir.weir-system.svc:15012',
    description: 'where sidecars find Weir, by TLS',
  },
  injectAudience: {
    schema: z.string().min(1, { error: 'must be the name of an audience' }),
    flag: 'inject-audience',
    placeholder: 'NAME',
    variable: 'WEIR_INJECT_AUDIENCE',
    default: 'weir.dev',
    description: 'for whom the tokens of sidecars are',
  },
  injectNative: {
    schema: z.enum(['auto', 'true', 'false'], { error: 'must be auto, true or false' }),
    flag: 'inject-native',
    placeholder: 'WHEN',
    variable: 'WEIR_INJECT_NATIVE',
    default: 'auto',
    description:
      'whether sidecars are native, init containers that stay: true, false, or auto, where the cluster is of Kubernetes 1.32 or newer',
  },
  injectNever: {
    schema: names,
    flag: 'inject-never',
    placeholder: 'NAME...',
    variable: 'WEIR_INJECT_NEVER',
    default: 'weir-system',
    description: 'namespaces, beside those of Kubernetes itself, whose pods never get a sidecar',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>;
