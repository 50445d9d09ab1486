import { NacosError } from './nacos-error.ts';

/** A message's JSON, read field by field: what another field holds than it should counts as absent, and what is not known is ignored (registries N15). */
export type JsonMessage = Readonly<Record<string, unknown>>;

/** @throws NacosError when it is not a JSON object */
export function readMessage(json: Uint8Array): JsonMessage {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString());
  } catch (error) {
    throw new NacosError('malformed', 'Nacos sent something that is no JSON', { cause: error });
  }
  if (!isMessage(value)) throw new NacosError('malformed', 'Nacos sent JSON that is no object');
  return value;
}

export function isMessage(value: unknown): value is JsonMessage {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textField(message: JsonMessage, name: string): string | undefined {
  const value = message[name];
  return typeof value === 'string' ? value : undefined;
}

export function numberField(message: JsonMessage, name: string): number | undefined {
  const value = message[name];
  return typeof value === 'number' ? value : undefined;
}

/** @returns undefined when it is no list */
export function listField(message: JsonMessage, name: string): readonly unknown[] | undefined {
  const value = message[name];
  return Array.isArray(value) ? value : undefined;
}
