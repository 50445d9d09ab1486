import { styleText } from 'node:util';

/** A log entry for a person at a terminal: `10:32:01.123 warn  source is stale  source=files reason="…"`. */

const reserved = new Set(['level', 'time', 'message']);

const colourOf = { error: 'red', warn: 'yellow', info: 'green', debug: 'gray' } as const;

/** @param line one entry in the JSON form */
export function formatText(line: string, colours: boolean): string {
  const entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const level = String(entry['level']);
  const time = String(entry['time']).slice(11, 23);
  const fields = Object.entries(entry)
    .filter(([name, value]) => !reserved.has(name) && value !== undefined)
    .map(([name, value]) => `${paint(`${name}=`, 'gray', colours)}${fieldText(value)}`);
  const colour = isLevel(level) ? colourOf[level] : 'gray';
  const head = `${paint(time, 'gray', colours)} ${paint(level.padEnd(5), colour, colours)} ${String(entry['message'])}`;
  return `${[head, ...fields].join('  ')}\n`;
}

/** What users wrote may hold line ends and escape sequences: those must not reach a terminal as they are. */
function fieldText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (/^[\w@%+/:.,~*|()[\]-]+$/.test(text)) return text;
  // JSON leaves DEL and the C1 controls alone; terminals do not.
  return JSON.stringify(text).replace(/[\u007f-\u009f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}

function paint(text: string, colour: Parameters<typeof styleText>[0], colours: boolean): string {
  return colours ? styleText(colour, text, { validateStream: false }) : text;
}

function isLevel(text: string): text is keyof typeof colourOf {
  return Object.hasOwn(colourOf, text);
}
