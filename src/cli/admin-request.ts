import { readFile } from 'node:fs/promises';
import { readOperatorToken } from '../app/operator-token.ts';
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

/**
 * @param tokenFile file with the token that is shown; by default the one that a Weir on this machine keeps for the account that it runs under
 * @throws CommandError when nobody answers
 */
export async function askAdmin(
  url: URL,
  { tokenFile, ...request }: RequestInit & { readonly tokenFile?: string | undefined } = {},
): Promise<Response> {
  const headers = new Headers(request.headers);
  const token = headers.has('authorization') ? undefined : await tokenFor(url, tokenFile);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  try {
    return await fetch(url, { ...request, headers, redirect: 'error', signal: AbortSignal.timeout(answerTimeout) });
  } catch (error) {
    throw new CommandError(
      exitCodes.unavailable,
      `no Weir answers at ${url.origin} (${reasonOf(error)}): is it running? --admin names another address`,
      error,
    );
  }
}

/** The token of this machine is shown to this machine alone. @returns undefined: there is none */
async function tokenFor({ hostname, port }: URL, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) {
    const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
    return isHere ? readOperatorToken(Number(port)) : undefined;
  }
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CommandError(exitCodes.usage, `--token-file ${file} cannot be read: ${describeError(error)}`, error);
  }
}

/** @throws CommandError when the answer is not one of Weir's */
export async function jsonOf(url: URL, response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && type.startsWith('application/json')) return response.json();
  if (response.status === 401) {
    throw new CommandError(
      exitCodes.unavailable,
      `Weir at ${url.origin} does not show this to you: ask on its machine, under the account that it runs under, or give --token-file`,
    );
  }
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
