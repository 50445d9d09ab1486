import { readDuration } from '../../duration.ts';
import { describe, fieldPath, quote } from './field-path.ts';
import type { Reading } from './reading.ts';

/** Checks of single values that many fields share. Each reports what is wrong and gives back what can be used. */

export function decodePort(number: number | undefined, path: string, reading: Reading): number | undefined {
  if (number === undefined) {
    reading.error('WEIR1005', path, 'a port number is needed', 'write a number from 1 to 65535');
    return undefined;
  }
  return inRange(number, [1, 65_535], path, reading);
}

/** The number itself if it lies within the bounds, which are allowed themselves. */
export function inRange(
  number: number | undefined,
  [lowest, highest]: readonly [number, number],
  path: string,
  reading: Reading,
): number | undefined {
  if (number === undefined || (number >= lowest && number <= highest)) return number;
  reading.error(
    'WEIR1004',
    path,
    `${number} is not between ${lowest} and ${highest}`,
    `use a number from ${lowest} to ${highest}`,
  );
  return undefined;
}

/** Numbers of which zero means "not set" in Istio's API, so that a limit of zero cannot be asked for. */
export function positive(number: number | undefined, path: string, reading: Reading): number | undefined {
  if (number === undefined || number === 0) return undefined;
  return inRange(number, [0, 4_294_967_295], path, reading);
}

/** Milliseconds. @param minimum 0 where zero means "off" (policy P605) */
export function decodeDuration(
  text: string | undefined,
  path: string,
  reading: Reading,
  minimum: 0 | 1 = 1,
): number | undefined {
  if (text === undefined) return undefined;
  const read = readDuration(text, minimum);
  if (read.kind === 'duration') return read.milliseconds;
  const advice = 'write a number with a unit, for example 500ms, 1.5s or 1h30m';
  reading.error('WEIR1012', path, `the duration ${quote(text)} ${read.reason}`, advice);
  return undefined;
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/i;

/** @param what the kind of name, for the message, for example `subset` */
export function checkName(name: string, what: string, path: string, reading: Reading): boolean {
  if (dnsLabel.test(name)) return true;
  const advice = 'use up to 63 letters, digits and dashes, beginning and ending with a letter or digit';
  reading.error('WEIR1019', path, `the ${what} name ${quote(name)} is not a DNS label`, advice);
  return false;
}

const labelName = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Labels to carry or to select by; those that Kubernetes would not accept are reported and left out. */
export function decodeLabels(
  labels: Readonly<Record<string, string>> | undefined,
  path: string,
  reading: Reading,
): Readonly<Record<string, string>> {
  if (labels === undefined) return {};
  const advice =
    'use up to 63 letters, digits, dashes, underscores and dots, beginning and ending with a letter or digit';
  const sound = Object.entries(labels).filter(([name, value]) => {
    const at = fieldPath(path, name);
    if (!labelName.test(name)) reading.error('WEIR1018', at, `${quote(name)} is not a label name`, advice);
    else if (!labelValue.test(value)) reading.error('WEIR1018', at, `${quote(value)} is not a label value`, advice);
    else return true;
    return false;
  });
  return Object.fromEntries(sound);
}

/** A percentage with fractions, as fault injection and mirroring take it: 0, or at least the millionth that proxies can count. */
export function decodePercentage(value: number | undefined, path: string, reading: Reading): number | undefined {
  const percentage = inRange(value, [0, 100], path, reading);
  if (percentage === undefined || percentage === 0 || percentage >= 0.0001) return percentage;
  reading.error('WEIR1004', path, `${percentage} is too small a percentage`, 'use 0, or at least 0.0001');
  return undefined;
}

/** Reports fields of which more than one is set. @returns how many are */
export function atMostOne(fields: Readonly<Record<string, unknown>>, path: string, reading: Reading): number {
  const present = Object.keys(fields).filter((name) => fields[name] !== undefined);
  if (present.length > 1) {
    reading.error('WEIR1006', path, `${present.join(' and ')} exclude each other`, `keep one of ${present.join(', ')}`);
  }
  return present.length;
}

/** Reports a list that is too long to be looked through (reliability S76). */
export function checkLength(count: number, most: number, path: string, reading: Reading): boolean {
  if (count <= most) return true;
  reading.error('WEIR1008', path, `there are ${count}, more than ${most}`, 'divide them among several objects');
  return false;
}

/** The items of a list that could be read, with their paths. */
export function itemsOf<Item>(
  list: readonly (Item | undefined)[] | undefined,
  path: string,
): readonly { readonly item: Item; readonly at: string; readonly index: number }[] {
  if (list === undefined) return [];
  return list.flatMap((item, index) => (item === undefined ? [] : [{ item, at: `${path}[${index}]`, index }]));
}

/** A text that goes into an HTTP message or a header as it stands. */
export function checkLine(text: string, path: string, reading: Reading): boolean {
  if (!/[\0\r\n]/.test(text)) return true;
  reading.error('WEIR1016', path, `${describe(text)} holds a line break or a null character`, 'write it on one line');
  return false;
}
