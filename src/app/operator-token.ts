import { randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * A token that only the account can read that Weir runs under: whoever can read it runs Weir. Being on the same machine is no credential
 * (reliability S17, S28).
 */

/** Where a Weir with this admin port keeps it. */
function operatorTokenFile(port: number): string {
  return join(folder(), `admin-${port}.token`);
}

function folder(): string {
  return join(tmpdir(), `weir-${userInfo().uid}`);
}

export interface OperatorToken {
  matches(token: string): boolean;
  /** Takes the file away. */
  close(): Promise<void>;
}

/** @throws Error when the folder is somebody else's, or cannot be written to */
export async function makeOperatorToken(port: number): Promise<OperatorToken> {
  const file = operatorTokenFile(port);
  await mkdir(folder(), { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder());
  // In a folder that all may write to, somebody else may have been first.
  if (uid !== userInfo().uid || (mode & 0o170000) !== 0o040000) {
    throw new Error(`${folder()} is not a folder of the account that Weir runs under`);
  }
  await chmod(folder(), 0o700);
  await rm(file, { force: true });
  const token = randomBytes(32).toString('base64url');
  await writeFile(file, token, { mode: 0o600, flag: 'wx' });
  const expected = Buffer.from(token);
  return {
    matches(shown) {
      const bytes = Buffer.from(shown);
      return bytes.length === expected.length && timingSafeEqual(bytes, expected);
    },
    close: () => rm(file, { force: true }),
  };
}

/** @returns undefined: there is none that this account can read */
export async function readOperatorToken(port: number): Promise<string | undefined> {
  try {
    return await readFile(operatorTokenFile(port), 'utf8');
  } catch {
    return undefined;
  }
}
