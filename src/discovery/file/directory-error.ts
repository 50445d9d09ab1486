import { readdirSync } from 'node:fs';
import { describeError } from '../../observe/log.ts';

/** A directory of configuration files cannot be read at all, so that there is nothing to start with. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  readonly code = 'WEIR2001';
  readonly directory: string;
  /** What to do about it, in a sentence without a full stop. */
  readonly advice: string;

  constructor(directory: string, message: string, advice: string, cause: unknown) {
    super(message, { cause });
    this.directory = directory;
    this.advice = advice;
  }
}

/** @throws DirectoryError for the first directory that cannot be listed */
export function checkDirectories(directories: readonly string[]): void {
  for (const directory of directories) {
    try {
      readdirSync(directory);
    } catch (error) {
      throw directoryError(directory, error);
    }
  }
}

function directoryError(directory: string, error: unknown): DirectoryError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return new DirectoryError(
        directory,
        `the directory ${directory} does not exist`,
        'create it, or correct the path',
        error,
      );
    case 'ENOTDIR':
      return new DirectoryError(
        directory,
        `${directory} is not a directory`,
        'name the directory that holds the file',
        error,
      );
    case 'EACCES':
      return new DirectoryError(
        directory,
        `the directory ${directory} may not be read`,
        'give Weir the right to list it',
        error,
      );
    default:
      return new DirectoryError(
        directory,
        `the directory ${directory} cannot be read: ${describeError(error)}`,
        'make it readable, or correct the path',
        error,
      );
  }
}
