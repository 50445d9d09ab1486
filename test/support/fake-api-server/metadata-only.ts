import { isJson, type Json } from './stored-object.ts';

const apiVersion = 'meta.k8s.io/v1';

/** `application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`: names, labels and annotations without the rest (K32). */
export function wantsMetadataOnly(accept: string): boolean {
  return /;\s*as=PartialObjectMetadata/.test(accept);
}

export function metadataOnly(answer: Json): Json {
  if (answer['kind'] === 'Status') return answer;
  const { items, metadata } = answer;
  if (!Array.isArray(items)) return { kind: 'PartialObjectMetadata', apiVersion, metadata };
  return { kind: 'PartialObjectMetadataList', apiVersion, metadata, items: items.filter(isJson).map(metadataOnly) };
}
