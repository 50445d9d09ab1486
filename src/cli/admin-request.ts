import { describeError } from '../observe/log.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** Questions of commands to the admin server of a running Weir. */

const answerTimeout = 10_000;

/** @param text URL or HOST:PORT, as `--admin` has it */
export function adminUrl(path: string, text: string): URL {
  const url = URL.parse(path, /^https?:\/\//.test(text) ? text : `http://${text}`);
  if (url !== null) return url;
  throw new CommandError(exitCodes.usage, `--admin must be a URL or HOST:PORT, and is ${text}`);
}

/** @throws CommandError when nobody answers */
export async function askAdmin(url: URL, request: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(answerTimeout) });
  } catch (error) {
    throw new CommandError(
      exitCodes.unavailable,
      `no Weir answers at ${url.origin} (${reasonOf(error)}): is it running? --admin names another address`,
      error,
    );
  }
}

/** @throws CommandError when the answer is not one of Weir's */
export async function jsonOf(url: URL, response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && type.startsWith('application/json')) return response.json();
  throw new CommandError(
    exitCodes.unavailable,
    `what answers at ${url.origin} is not Weir: HTTP status ${response.status}, ${type}`,
  );
}

/** What fetch throws says only that it failed; the reason is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return describeError(error);
}
