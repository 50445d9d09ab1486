import { z } from 'zod';
import { readLabelSelector, type LabelSelector } from '../discovery/kubernetes/label-selector.ts';
import { readDuration } from '../policy/duration.ts';
import { isLoopback, parseSocketAddress, type SocketAddress } from './listen-address.ts';

/** What a user may write as the value of a setting, and what becomes of it. */

export const socketAddress = z.string().transform((text, context): SocketAddress => {
  const address = parseSocketAddress(text);
  if (address !== undefined) return address;
  context.addIssue({ code: 'custom', message: 'must be HOST:PORT, for example 127.0.0.1:15014 or [::1]:15014' });
  return z.NEVER;
});

export const loopbackAddress = socketAddress.refine(isLoopback, {
  error:
    'must be an address of this machine alone, such as 127.0.0.1:15010, because plaintext xDS tells whoever connects all about the mesh',
});

export const filePath = z.string().min(1, { error: 'must name a file' });

/** Milliseconds. */
export const duration = z.string().transform((text, context): number => {
  const reading = readDuration(text, 1);
  if (reading.kind === 'duration') return reading.milliseconds;
  context.addIssue({ code: 'custom', message: `must be a duration such as 30s or 5m, but it ${reading.reason}` });
  return z.NEVER;
});

/** Milliseconds; undefined: never. */
export const durationOrOff = z.union([z.literal('off').transform(() => undefined), duration], {
  error: 'must be a duration such as 30s or 5m, or off',
});

export const rate = z
  .string()
  .regex(/^[1-9]\d{0,5}$/, { error: 'must be a whole number from 1 to 999999' })
  .transform(Number);

/** `true` or `false`; a flag without a value is `true`. */
export const onOff = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((text) => text === 'true');

export const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
export const dnsName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** A list of the file, or text from a flag or the environment whose parts are separated by commas. */
export const paths = z
  .union([z.string(), z.array(z.string())], { error: 'must be a directory or a list of directories' })
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .pipe(z.array(z.string().trim().min(1, { error: 'must not be empty' })).min(1, { error: 'must name a directory' }));

export const names = z
  .union([z.string(), z.array(z.string())], { error: 'must be a name or a list of names' })
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .pipe(z.array(z.string().trim().regex(dnsLabel, { error: 'must be names of namespaces' })).min(1));

/** Names or addresses of hosts, each with or without a port. */
export const hosts = z
  .union([z.string(), z.array(z.string())], { error: 'must be a host or a list of hosts' })
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .pipe(
    z
      .array(
        z
          .string()
          .trim()
          .regex(/^[A-Za-z0-9._:-]+$/, { error: 'must be hosts, or HOST:PORT' }),
      )
      .min(1),
  );

export const labelSelector = z.string().transform((text, context): LabelSelector => {
  const reading = readLabelSelector(text);
  if (reading.kind === 'valid') return reading.selector;
  const message = `must be a selector of labels such as tier=web,env in (live,test), and ${JSON.stringify(reading.part)} is none`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

export const namespacedName = z
  .string()
  .transform((text, context): { readonly namespace: string; readonly name: string } => {
    const [namespace = '', name = '', ...rest] = text.split('/');
    if (dnsLabel.test(namespace) && dnsName.test(name) && rest.length === 0) return { namespace, name };
    context.addIssue({ code: 'custom', message: 'must be NAMESPACE/NAME, for example weir-system/mesh' });
    return z.NEVER;
  });

export const domainName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, { error: 'must be a DNS name' });

function listOf(what: string, one: z.ZodString) {
  return z
    .union([z.string(), z.array(z.string())], { error: `must be ${what} or a list of them` })
    .transform((value) => (typeof value === 'string' ? value.split(',') : value))
    .pipe(z.array(one).min(1));
}

export const hostNames = listOf(
  'a host name or an address',
  z
    .string()
    .trim()
    .regex(/^[\w.:*-]{1,253}$/, { error: 'must be host names and addresses' }),
);

export const audiences = listOf('an audience', z.string().trim().min(1, { error: 'must not be empty' }));
