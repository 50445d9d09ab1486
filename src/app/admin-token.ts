import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Log } from '../observe/log.ts';

/**
 * Tells whether an `authorization` header shows the token of a file, which is read each time since it may be replaced. Without a file, or
 * when it cannot be read or is empty, nobody has it.
 */
export function adminTokenCheck(file: string | undefined, log: Log): (header: string | undefined) => Promise<boolean> {
  return async (header) => {
    const shown = /^Bearer (.+)$/i.exec(header ?? '')?.[1];
    if (file === undefined || shown === undefined) return false;
    const token = await readFile(file, 'utf8').catch((error: unknown) => {
      log.warn('the token of the admin server cannot be read: it changes nothing', { file, error });
      return '';
    });
    return token.trim() !== '' && timingSafeEqual(digestOf(shown), digestOf(token.trim()));
  };
}

/** Of equal length, whatever was shown. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
