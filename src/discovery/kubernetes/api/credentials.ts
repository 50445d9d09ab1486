import { describeError } from '../../../observe/log.ts';
import type { Clock } from '../../registry.ts';
import { ApiError } from './api-client.ts';
import type { Credentials } from './cluster.ts';
import type { ClientIdentity } from './identity.ts';
import { PlugInCredentials } from './plug-in.ts';
import { RememberedFile } from './remembered-file.ts';

/** What a request is sent with. */
export interface Credential {
  /** Value of the header `authorization`. */
  readonly authorization?: string;
  /** Of the connection. */
  readonly client?: ClientIdentity;
}

export interface CredentialSource {
  /** @throws ApiError `credentials` */
  current(): Promise<Credential>;
  /** The server did not take what there was: the next one has to be a new one. */
  refused(): void;
}

/** @param environment of the process, for programs that give credentials */
export function credentialSource(
  credentials: Credentials,
  clock: Clock,
  environment: Readonly<Record<string, string | undefined>>,
): CredentialSource {
  switch (credentials.kind) {
    case 'none':
      return unchanging({});
    case 'token':
      return unchanging({ authorization: `Bearer ${credentials.token}` });
    case 'basic': {
      const pair = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
      return unchanging({ authorization: `Basic ${pair}` });
    }
    case 'token-file': {
      const file = new RememberedFile(credentials.path, clock);
      return {
        current: async () => ({ authorization: bearer(await file.read(), credentials.path) }),
        refused: () => file.forget(),
      };
    }
    case 'plug-in':
      return new PlugInCredentials(credentials.plugIn, clock, environment);
    case 'provider':
      return { current: () => fromProvider(credentials.authorization), refused: () => undefined };
  }
}

function unchanging(credential: Credential): CredentialSource {
  return { current: () => Promise.resolve(credential), refused: () => undefined };
}

function bearer(text: string, path: string): string {
  const token = text.trim();
  if (token === '') throw new ApiError('credentials', `${path} is empty: it should hold a token`);
  return `Bearer ${token}`;
}

async function fromProvider(authorization: () => Promise<string | undefined>): Promise<Credential> {
  try {
    const value = await authorization();
    return value === undefined ? {} : { authorization: value };
  } catch (error) {
    throw new ApiError('credentials', `the kubeconfig's auth-provider gives nothing: ${describeError(error)}`, {
      cause: error,
    });
  }
}
