/** Compared in blocks by native code, then byte by byte where they differ. */
const blockSize = 65_536;

/** How many bytes two buffers have in common at their beginning. */
export function commonStart(a: Buffer, b: Buffer): number {
  const limit = Math.min(a.length, b.length);
  let at = 0;
  for (; at < limit; at += blockSize) {
    const end = Math.min(at + blockSize, limit);
    if (a.compare(b, at, end, at, end) !== 0) break;
  }
  while (at < limit && a[at] === b[at]) at++;
  return Math.min(at, limit);
}

/** How many bytes two buffers have in common at their end, at most `limit`. */
export function commonEnd(a: Buffer, b: Buffer, limit: number): number {
  let count = 0;
  for (; count < limit; count += blockSize) {
    const size = Math.min(blockSize, limit - count);
    const [endOfA, endOfB] = [a.length - count, b.length - count];
    if (a.compare(b, endOfB - size, endOfB, endOfA - size, endOfA) !== 0) break;
  }
  while (count < limit && a[a.length - 1 - count] === b[b.length - 1 - count]) count++;
  return Math.min(count, limit);
}
