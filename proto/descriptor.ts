import protobuf from 'protobufjs';

/** What the descriptor keeps of the options; the rest is documentation that costs start-up time. */
const keptOptions = [
  '(validate.rules)',
  '(validate.required)',
  '(validate.disabled)',
  '(udpa.annotations.sensitive)',
  'proto3_optional',
];

type Named = protobuf.Type | protobuf.Enum | protobuf.Service;

/**
 * A protobufjs descriptor of everything that the root files declare and what that refers to. Fields are named as in
 * protobuf's JSON form, whatever their `.proto` name, so that one spelling holds for messages, types and JSON.
 *
 * @param isRoot whether a declaration of the file belongs to the descriptor even if nothing refers to it
 */
export function describe(root: protobuf.Root, isRoot: (file: string) => boolean): protobuf.INamespace {
  const wanted = reachable(root, isRoot);
  return namespaceJson(root, wanted) ?? { nested: {} };
}

function reachable(root: protobuf.Root, isRoot: (file: string) => boolean): ReadonlySet<protobuf.ReflectionObject> {
  const seen = new Set<protobuf.ReflectionObject>();
  const pending: protobuf.ReflectionObject[] = declarations(root).filter((each) => isRoot(each.filename ?? ''));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (next.parent instanceof protobuf.Type) pending.push(next.parent);
    if (next instanceof protobuf.Type) pending.push(...referencesOf(next), ...next.nestedArray);
    if (next instanceof protobuf.Service) {
      for (const method of next.methodsArray) {
        pending.push(...[method.resolvedRequestType, method.resolvedResponseType].filter((type) => type !== null));
      }
    }
  }
  return seen;
}

function referencesOf(type: protobuf.Type): readonly Named[] {
  return type.fieldsArray.flatMap((field) => (field.resolvedType === null ? [] : [field.resolvedType]));
}

function declarations(namespace: protobuf.NamespaceBase): readonly protobuf.ReflectionObject[] {
  return namespace.nestedArray.flatMap((each) => [
    each,
    ...(each instanceof protobuf.Namespace && !(each instanceof protobuf.Service) ? declarations(each) : []),
  ]);
}

function namespaceJson(
  namespace: protobuf.NamespaceBase,
  wanted: ReadonlySet<protobuf.ReflectionObject>,
): { nested: Record<string, protobuf.AnyNestedObject> } | undefined {
  const nested: Record<string, protobuf.AnyNestedObject> = {};
  for (const each of namespace.nestedArray.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const json = nestedJson(each, wanted);
    if (json !== undefined) nested[each.name] = json;
  }
  return Object.keys(nested).length === 0 ? undefined : { nested };
}

function nestedJson(
  each: protobuf.ReflectionObject,
  wanted: ReadonlySet<protobuf.ReflectionObject>,
): protobuf.AnyNestedObject | undefined {
  if (each instanceof protobuf.Type) return wanted.has(each) ? typeJson(each, wanted) : undefined;
  if (each instanceof protobuf.Enum) return wanted.has(each) ? { values: each.values } : undefined;
  if (each instanceof protobuf.Service) return wanted.has(each) ? serviceJson(each) : undefined;
  return each instanceof protobuf.Namespace ? namespaceJson(each, wanted) : undefined;
}

function typeJson(type: protobuf.Type, wanted: ReadonlySet<protobuf.ReflectionObject>): protobuf.IType {
  const fields: Record<string, protobuf.IField> = {};
  for (const field of type.fieldsArray.toSorted((a, b) => a.id - b.id)) fields[jsonName(field)] = fieldJson(field);
  const oneofs: Record<string, protobuf.IOneOf> = {};
  for (const oneof of type.oneofsArray) {
    oneofs[oneof.name] = { oneof: oneof.fieldsArray.map(jsonName), ...optionsJson(oneof) };
  }
  return {
    fields,
    ...(type.oneofsArray.length === 0 ? {} : { oneofs }),
    ...optionsJson(type),
    ...namespaceJson(type, wanted),
  };
}

function fieldJson(field: protobuf.Field): protobuf.IField {
  const name = jsonName(field);
  return {
    ...(field.repeated ? { rule: 'repeated' } : {}),
    ...(field instanceof protobuf.MapField ? { keyType: field.keyType } : {}),
    type: typeName(field),
    id: field.id,
    ...(field.protoName === name ? {} : { protoName: field.protoName }),
    ...optionsJson(field),
  };
}

function serviceJson(service: protobuf.Service): protobuf.IService {
  const methods = Object.fromEntries(
    service.methodsArray.map((method) => [
      method.name,
      {
        requestType: fullName(method.resolvedRequestType) ?? method.requestType,
        responseType: fullName(method.resolvedResponseType) ?? method.responseType,
        ...(method.requestStream === true ? { requestStream: true } : {}),
        ...(method.responseStream === true ? { responseStream: true } : {}),
      },
    ]),
  );
  return { methods };
}

/** Field name in protobuf's JSON form. */
function jsonName(field: protobuf.Field): string {
  return field.jsonName;
}

/** Full name, so that nothing depends on where a reference stands. */
function typeName(field: protobuf.Field): string {
  return fullName(field.resolvedType) ?? field.type;
}

function fullName(object: protobuf.ReflectionObject | null): string | undefined {
  return object === null ? undefined : object.fullName;
}

function optionsJson(object: protobuf.ReflectionObject): { options?: Record<string, unknown> } {
  const parsed: Record<string, unknown> = Object.assign({}, ...(object.parsedOptions ?? []));
  const kept = Object.entries(parsed).filter(([name]) => keptOptions.includes(name));
  return kept.length === 0 ? {} : { options: Object.fromEntries(kept) };
}
