import type {
  Conversion,
  ConversionContext,
  KubernetesObject,
} from '../../src/discovery/kubernetes/objects/conversion.ts';
import type { ObjectMetadata } from '../../src/discovery/kubernetes/objects/metadata.ts';

/** Objects for the tests of the converters: `reviews` in the namespace `shop`. */

export const inTestContext: ConversionContext = { source: 'test', domain: 'cluster.local', origin: { source: 'test' } };

export function anObject(
  kind: string,
  content: Readonly<Record<string, unknown>>,
  metadata: Partial<ObjectMetadata> = {},
): KubernetesObject {
  return {
    metadata: {
      name: 'reviews',
      namespace: 'shop',
      labels: { app: 'reviews' },
      annotations: {},
      generation: undefined,
      createdAt: 0,
      terminating: false,
      ...metadata,
    },
    content: { kind, ...content },
  };
}

export function theRows<Row>(conversion: Conversion<Row>): readonly Row[] {
  if (conversion.kind === 'valid') return conversion.value;
  throw new Error(`invalid: ${JSON.stringify(conversion.violations)}`);
}

export function theRow<Row>(conversion: Conversion<Row>): Row {
  const [row, ...others] = theRows(conversion);
  if (row === undefined || others.length > 0) throw new Error('not one row');
  return row;
}

/** What is wrong, as `path code`. */
export function pathsAndCodes(conversion: Conversion<unknown>): readonly string[] {
  if (conversion.kind === 'valid') return [];
  return conversion.violations.map(({ path, code }) => `${path} ${code}`);
}
