/** Milliseconds of a monotonic clock that all processes of one machine share (hot-path H1307). */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
