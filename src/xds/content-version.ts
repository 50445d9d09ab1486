import xxhash from 'xxhash-wasm';

// WebAssembly is compiled once, before anything is hashed, so that hashing itself is synchronous.
const hashing = await xxhash();

/** Characters, and bytes, of a version. */
export const versionLength = 13;

/**
 * Version of a resource: xxHash64 of its bytes in 13 base-36 characters, equal on every replica and after a restart, so that a
 * client that reconnects is sent nothing that it has (hot-path H401). Compared only among versions of one name. Changing the
 * algorithm sends the world once to everyone (hot-path H409).
 */
export function versionOf(bytes: Uint8Array): string {
  return hashing.h64Raw(bytes, 0n).toString(36).padStart(versionLength, '0');
}
