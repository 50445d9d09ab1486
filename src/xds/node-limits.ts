import { bufferOver, eachField } from './requests.ts';

/**
 * How much a node may say of itself (reliability S75), found out from its bytes: what is too large, or nested too deeply, never becomes
 * objects. Istio's agents send a few kilobytes, and the annotations of a pod with them.
 */
const limits = { bytes: 64 * 1024, depth: 16, keys: 512 } as const;

/** Field numbers of `envoy.config.core.v3.Node`, and of `Struct`, `Value` and `ListValue`. */
const metadataField = 3;
const [entryField, entryValueField, structField, listField, listValueField] = [1, 2, 5, 6, 1];

/**
 * @param node an encoded `envoy.config.core.v3.Node`
 * @returns which limit it is beyond, as a sentence without a full stop; undefined: none
 * @throws MalformedMessage
 */
export function beyondNodeLimits(node: Uint8Array): string | undefined {
  const bytes = bufferOver(node);
  const metadata: { readonly start: number; readonly end: number }[] = [];
  eachField(bytes, 0, bytes.length, (field, start, end) => {
    if (field === metadataField) metadata.push({ start, end });
  });
  const size = metadata.reduce((sum, { start, end }) => sum + end - start, 0);
  if (size > limits.bytes) return `the metadata of the node has ${size} bytes, and may have ${limits.bytes}`;
  const found = { keys: 0, depth: 0 };
  for (const { start, end } of metadata) measureStruct(bytes, start, end, 1, found);
  if (found.depth > limits.depth) {
    return `the metadata of the node is nested more than ${limits.depth} levels deep`;
  }
  if (found.keys > limits.keys) return `the metadata of the node has ${found.keys} keys, and may have ${limits.keys}`;
  return undefined;
}

interface Found {
  /** In all structures together. */
  keys: number;
  depth: number;
}

function measureStruct(bytes: Buffer, first: number, last: number, depth: number, found: Found): void {
  found.depth = Math.max(found.depth, depth);
  // Deeper down nothing is looked at any more.
  if (depth > limits.depth) return;
  eachField(bytes, first, last, (field, start, end) => {
    if (field !== entryField) return;
    found.keys++;
    eachField(bytes, start, end, (part, from, to) => {
      if (part === entryValueField) measureValue(bytes, from, to, depth, found);
    });
  });
}

function measureValue(bytes: Buffer, first: number, last: number, depth: number, found: Found): void {
  eachField(bytes, first, last, (field, start, end) => {
    if (field === structField) measureStruct(bytes, start, end, depth + 1, found);
    else if (field === listField) measureList(bytes, start, end, depth + 1, found);
  });
}

function measureList(bytes: Buffer, first: number, last: number, depth: number, found: Found): void {
  found.depth = Math.max(found.depth, depth);
  if (depth > limits.depth) return;
  eachField(bytes, first, last, (field, start, end) => {
    if (field === listValueField) measureValue(bytes, start, end, depth, found);
  });
}
