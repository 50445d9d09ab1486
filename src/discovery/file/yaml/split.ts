/** Where the documents of a YAML file begin and end. */

/** Offsets in bytes; `start` is that of the `---` line, or of what stands before the first one. */
export interface DocumentRange {
  readonly start: number;
  readonly end: number;
}

const newline = 0x0a;
const percent = 0x25;
const hash = 0x23;

/**
 * Splits at lines that begin with `---`, and behind lines that begin with `...`. No scalar can hold such a line at column 0, whatever its
 * style, so that neither quotes nor blocks need to be looked at.
 */
export function splitDocuments(bytes: Buffer): readonly DocumentRange[] {
  const ranges: DocumentRange[] = [];
  let start = 0;
  let hasMarker = false;
  const cutAt = (end: number): void => {
    if (end > start) ranges.push({ start, end });
    start = end;
  };
  let marker = nextMarker(bytes, '---', 0);
  let ending = nextMarker(bytes, '...', 0);
  while (marker < bytes.length || ending < bytes.length) {
    if (marker < ending) {
      if (hasMarker || !holdsDirectives(bytes, start, marker)) cutAt(marker);
      hasMarker = true;
      marker = nextMarker(bytes, '---', marker + 3);
    } else {
      cutAt(endOfLine(bytes, ending));
      hasMarker = false;
      ending = nextMarker(bytes, '...', ending + 3);
    }
  }
  cutAt(bytes.length);
  return ranges;
}

/** Whether a document that begins at an offset begins with its `---` line. */
export function beginsWithMarker(bytes: Buffer, at: number): boolean {
  return bytes.toString('latin1', at, at + 3) === '---' && isBlankOrEnd(bytes, at + 3);
}

/** Offset of the next line that begins with the marker; the length of the bytes when there is none. */
function nextMarker(bytes: Buffer, marker: '---' | '...', from: number): number {
  if (from === 0 && isMarkerAt(bytes, marker, 0)) return 0;
  const line = `\n${marker}`;
  for (let at = bytes.indexOf(line, Math.max(from - 1, 0)); at >= 0; at = bytes.indexOf(line, at + 1)) {
    if (isMarkerAt(bytes, marker, at + 1)) return at + 1;
  }
  return bytes.length;
}

function isMarkerAt(bytes: Buffer, marker: string, at: number): boolean {
  if (at > 0) return isBlankOrEnd(bytes, at + 3);
  return bytes.toString('latin1', 0, 3) === marker && isBlankOrEnd(bytes, 3);
}

function isBlankOrEnd(bytes: Buffer, at: number): boolean {
  const byte = bytes[at];
  return byte === undefined || byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === newline;
}

/** Whether `%YAML` and the like, and nothing but comments beside them, stand here: they belong to the `---` behind them. */
function holdsDirectives(bytes: Buffer, start: number, end: number): boolean {
  let found = false;
  for (let at = start; at < end; at = endOfLine(bytes, at)) {
    if (bytes[at] === percent) found = true;
    else if (bytes[at] !== hash && bytes[at] !== newline && bytes[at] !== 0x0d) return false;
  }
  return found;
}

/** Offset of the line behind the one on which an offset lies. */
function endOfLine(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(newline, at);
  return end < 0 ? bytes.length : end + 1;
}
