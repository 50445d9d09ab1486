import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { describeError } from '../observe/log.ts';
import { nearestName } from '../model/nearest-name.ts';
import {
  configFile,
  settingKeys,
  settings,
  settingsThatBelongTogether,
  settingsThatExclude,
  settingsThatNeedAnother,
  settingsThatNeedOneOf,
  type Setting,
  type SettingKey,
  type Settings,
} from './settings.ts';

/** Reads settings from flags, the environment and a file, in that order of precedence. */

/** What is wrong with one setting, and where it was set. */
export interface ConfigProblem {
  readonly key: string;
  /** Where the value stands: `--admin`, `WEIR_ADMIN` or `weir.yaml:3 (admin)`. */
  readonly place: string;
  /** A clause that continues the place: `--admin must be HOST:PORT`. */
  readonly message: string;
}

export type ConfigResult =
  | { readonly kind: 'valid'; readonly settings: Settings; readonly file: string | undefined }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] };

/** Values of flags by setting, as commander gives them: text, a list of text, or true for a flag that has no value. */
export type Flags = Readonly<Partial<Record<SettingKey | 'config', FlagValue>>>;
type FlagValue = string | readonly string[] | true;

export interface ConfigInput {
  /** `config` names the file. */
  readonly flags: Flags;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly readFile?: (path: string) => string;
}

interface Given {
  readonly value: unknown;
  readonly place: string;
}

/** All problems at once. A setting with a wrong value is never replaced by a value of lower precedence. */
export function readConfig({ flags, environment, readFile = readText }: ConfigInput): ConfigResult {
  const path = textOf(flags.config) ?? nonEmpty(environment[configFile.variable]);
  const file = path === undefined ? noFile : readConfigFile(path, readFile);
  const problems = [...file.problems];
  const values: Partial<Record<SettingKey, unknown>> = {};
  const places = new Map<SettingKey, string>();
  for (const key of settingKeys) {
    const setting: Setting<unknown> = settings[key];
    const given = fromFlag(setting, flags[key]) ?? fromEnvironment(setting, environment) ?? file.given.get(key);
    const { value, place } = given ?? { value: setting.default, place: `the default of ${key}` };
    if (value === undefined) continue;
    places.set(key, place);
    const parsed = setting.schema.safeParse(value);
    if (parsed.success) values[key] = parsed.data;
    else problems.push(...parsed.error.issues.map(({ message }) => ({ key, place, message })));
  }
  problems.push(...settingsThatBelongTogether.flatMap((group) => missingOf(group, places)));
  problems.push(...settingKeys.flatMap((key) => lonely(key, places)));
  problems.push(...settingsThatNeedOneOf.flatMap((rule) => destitute(rule, places)));
  problems.push(...settingsThatExclude.flatMap((pair) => excluded(pair, places)));
  if (problems.length > 0) return { kind: 'invalid', problems };
  return { kind: 'valid', settings: { ...unset, ...values } as Settings, file: path };
}

function missingOf(group: readonly SettingKey[], places: ReadonlyMap<SettingKey, string>): readonly ConfigProblem[] {
  const given = group.find((key) => places.has(key));
  const missing = group.filter((key) => !places.has(key)).map((key) => `--${settings[key].flag}`);
  if (given === undefined || missing.length === 0) return [];
  return [{ key: given, place: places.get(given) ?? '', message: `is of no use without ${missing.join(', ')}` }];
}

function lonely(key: SettingKey, places: ReadonlyMap<SettingKey, string>): readonly ConfigProblem[] {
  const needed = settingsThatNeedAnother[key];
  const place = places.get(key);
  if (needed === undefined || place === undefined || places.has(needed)) return [];
  return [{ key, place, message: `is of no use without --${settings[needed].flag}` }];
}

function destitute(
  [key, needed]: (typeof settingsThatNeedOneOf)[number],
  places: ReadonlyMap<SettingKey, string>,
): readonly ConfigProblem[] {
  const place = places.get(key);
  if (place === undefined || needed.some((other) => places.has(other))) return [];
  const flags = needed.map((other) => `--${settings[other].flag}`);
  return [{ key, place, message: `is of no use without ${flags.join(' or ')}` }];
}

function excluded(
  [key, other]: readonly [SettingKey, SettingKey],
  places: ReadonlyMap<SettingKey, string>,
): readonly ConfigProblem[] {
  const place = places.get(key);
  if (place === undefined || !places.has(other)) return [];
  return [{ key, place, message: `cannot stand beside --${settings[other].flag}: leave one of them out` }];
}

/** One line for each problem. */
export function describeConfigProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(({ place, message }) => `${place} ${message}`).join('\n');
}

const unset = Object.fromEntries(settingKeys.map((key) => [key, undefined]));

function fromFlag(setting: Setting<unknown>, value: FlagValue | undefined): Given | undefined {
  return value === undefined ? undefined : { value: scalarText(value), place: `--${setting.flag}` };
}

/** A variable that is set to nothing counts as not set, as in `WEIR_ADMIN= weir serve`. */
function fromEnvironment(setting: Setting<unknown>, environment: ConfigInput['environment']): Given | undefined {
  const value = nonEmpty(environment[setting.variable]);
  return value === undefined ? undefined : { value, place: setting.variable };
}

interface ConfigFile {
  readonly given: ReadonlyMap<string, Given>;
  readonly problems: readonly ConfigProblem[];
}

const noFile: ConfigFile = { given: new Map(), problems: [] };

function readConfigFile(path: string, readFile: (path: string) => string): ConfigFile {
  const broken = (message: string, place = path): ConfigFile => ({
    given: new Map(),
    problems: [{ key: 'config', place, message }],
  });
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    return broken(`cannot be read: ${describeError(error)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined)
    return broken(`is not YAML: ${error.message}`, `${path}:${lines.linePos(error.pos[0]).line}`);
  const content: unknown = document.toJS({ maxAliasCount: 10 });
  if (content === null) return noFile;
  if (typeof content !== 'object' || Array.isArray(content))
    return broken('must hold settings, one `key: value` a line');
  const lineOf = (key: string): number | undefined => {
    const node = document.get(key, true) as { readonly range?: readonly [number, number, number] } | undefined;
    return node?.range === undefined ? undefined : lines.linePos(node.range[0]).line;
  };
  return settingsOfFile(path, content, lineOf);
}

function settingsOfFile(path: string, content: object, lineOf: (key: string) => number | undefined): ConfigFile {
  const given = new Map<string, Given>();
  const problems: ConfigProblem[] = [];
  for (const [key, value] of Object.entries(content) as readonly (readonly [string, unknown])[]) {
    const line = lineOf(key);
    const place = `${line === undefined ? path : `${path}:${line}`} (${key})`;
    if (Object.hasOwn(settings, key)) given.set(key, { value: scalarText(value), place });
    else problems.push({ key, place, message: unknownSetting(key) });
  }
  return { given, problems };
}

/** YAML reads `admin: 15014` as a number; the schemas speak of text. */
function scalarText(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value ?? undefined;
}

function unknownSetting(key: string): string {
  const nearest = nearestName(key, settingKeys);
  const hint = nearest === undefined ? `the settings are ${settingKeys.join(', ')}` : `did you mean ${nearest}?`;
  return `is not a setting; ${hint}`;
}

function textOf(value: FlagValue | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value?.toString();
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
