import { percentEncode } from '../framing.ts';
import { statusCodes, type StatusName } from '../transport.ts';
import { staticTable } from './static-table.ts';

/**
 * What Weir says in headers, in HPACK without compression: entries of the static table, and literals that nobody has to remember, so
 * that no state is kept for any connection.
 */

/** Longest text of a status, as it is sent: with what else is said it stays far below what clients take (8 KiB). */
const longestDetail = 4_096;

const grpcType = field('content-type', 'application/grpc');
const statusOk = Buffer.of(0x80 | 8);

/** Before the first message. */
export const responseHeaders = Buffer.concat([statusOk, grpcType]);

/** After the last message. */
export function trailers(status: StatusName, detail: string): Buffer {
  return Buffer.concat([
    field('grpc-status', String(statusCodes[status])),
    field('grpc-message', shortened(percentEncode(detail))),
  ]);
}

/** Instead of any message. */
export function trailersOnly(status: StatusName, detail: string): Buffer {
  return Buffer.concat([responseHeaders, trailers(status, detail)]);
}

/** A refusal for which the request is too compressed. */
export function encodingRefusal(detail: string): Buffer {
  return Buffer.concat([trailersOnly('UNIMPLEMENTED', detail), field('grpc-accept-encoding', 'identity')]);
}

/** An answer of HTTP alone, for what is no gRPC call. */
export function httpStatus(status: number): Buffer {
  return field(':status', String(status));
}

/** Without cutting an escape in two. */
function shortened(encoded: string): string {
  return encoded.slice(0, longestDetail).replace(encoded.length > longestDetail ? /%.?$/ : /$^/, '');
}

/** A literal without indexing (RFC 7541 section 6.2.2), its name by number if that is known. */
function field(name: string, value: string): Buffer {
  const index = staticTable.findIndex(([known]) => known === name) + 1;
  return Buffer.concat([integer(index, 4), ...(index === 0 ? [text(name)] : []), text(value)]);
}

function text(value: string): Buffer {
  return Buffer.concat([integer(value.length, 7), Buffer.from(value, 'latin1')]);
}

function integer(value: number, prefixBits: number): Buffer {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return Buffer.of(value);
  const bytes = [mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}
