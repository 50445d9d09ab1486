import { createHmac } from 'node:crypto';

/** What a request is about, as far as signatures go. */
export type RequestSubject =
  | { readonly kind: 'none' }
  | { readonly kind: 'service'; readonly group: string; readonly service: string }
  | { readonly kind: 'config'; readonly tenant: string; readonly group: string };

export const noSubject: RequestSubject = { kind: 'none' };

/** Says who asks. */
export interface NacosCredentials {
  /** Headers of a request. */
  headers(subject: RequestSubject): Readonly<Record<string, string>>;
  /** Settles when requests can be made; rejects when a login has just been refused, or when the signal is aborted. */
  ready(signal: AbortSignal): Promise<void>;
  /** A server has refused what they say. */
  refused(): void;
  /** Keeps them valid until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** For servers that ask nobody who they are. */
export const noCredentials: NacosCredentials = {
  headers: () => ({}),
  ready: () => Promise.resolve(),
  refused: () => undefined,
  run: () => Promise.resolve(),
};

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

/**
 * Signs every request with an access key (registries N25).
 *
 * @param now milliseconds since 1970
 */
export function accessKeyCredentials({ id, secret }: AccessKey, now: () => number): NacosCredentials {
  const sign = (text: string): string => createHmac('sha1', secret).update(text).digest('base64');
  return {
    ...noCredentials,
    headers(subject) {
      const time = String(now());
      switch (subject.kind) {
        case 'none':
          return { ak: id, data: time, signature: sign(time) };
        case 'service': {
          const data = `${time}@@${subject.group}@@${subject.service}`;
          return { ak: id, data, signature: sign(data) };
        }
        case 'config': {
          const resource = subject.tenant === '' ? subject.group : `${subject.tenant}+${subject.group}`;
          return { 'Spas-AccessKey': id, Timestamp: time, 'Spas-Signature': sign(`${resource}+${time}`) };
        }
      }
    },
  };
}
