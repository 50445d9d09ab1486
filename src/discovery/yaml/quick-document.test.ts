import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDeepStrictEqual } from 'node:util';
import { parseDocument, stringify } from 'yaml';
import { readQuickly } from './quick-document.ts';

describe('readQuickly', () => {
  it('reads an object as it is usually written', () => {
    const text = `---
# what everybody writes
apiVersion: v1
kind: Service # a comment
metadata:
  name: reviews
  annotations: { networking.istio.io/exportTo: '.', "note": "say \\"hi\\"" }

spec:
  clusterIP: 10.0.0.1
  ports:
  - name: http
    port: 80
    # in between
    targetPort: "8080"
  -
    name: grpc
    port: 90
  externalIPs: [1.2.3.4, "::1"]
  empty:
  nested:
    - - a
      - b: -1.5
`;
    expect(readQuickly(text)?.value).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'reviews', annotations: { 'networking.istio.io/exportTo': '.', note: 'say "hi"' } },
      spec: {
        clusterIP: '10.0.0.1',
        ports: [
          { name: 'http', port: 80, targetPort: '8080' },
          { name: 'grpc', port: 90 },
        ],
        externalIPs: ['1.2.3.4', '::1'],
        empty: null,
        nested: [['a', { b: -1.5 }]],
      },
    });
  });

  it('reads JSON over several lines', () => {
    const value = { kind: 'List', items: [{ a: [1, -2.5, true, 'x\ny'] }, {}, []] };
    expect(readQuickly(JSON.stringify(value, null, 2))?.value).toEqual(value);
  });

  it.each([
    ['on', 'on'],
    ['no', 'no'],
    ['yes', 'yes'],
    ['true', true],
    ['False', false],
    ['NULL', null],
    ['007', 7],
    ['+3', 3],
    ['1.50', 1.5],
    ['10.0.0.1', '10.0.0.1'],
    ['1_000', '1_000'],
    ['2026-01-31', '2026-01-31'],
    ['a b#c', 'a b#c'],
    ['http://x/y', 'http://x/y'],
    ["'it'", 'it'],
  ])('takes %s for %j', (text, value) => {
    expect(readQuickly(`a: ${text}`)?.value).toEqual({ a: value });
  });

  it.each([
    ['an anchor', 'a: &x 1'],
    ['an alias', 'a: *x'],
    ['a tag', 'a: !!str 1'],
    ['a tab', 'a:\tb'],
    ['a carriage return', 'a: b\r\n'],
    ['a key twice', 'a: 1\na: 2'],
    ['a key twice in brackets', '{a: 1, a: 2}'],
    ['a key that is no text', 'null: 1'],
    ['a colon in a scalar', 'a: b: c'],
    ['a dangerous key', '__proto__: {a: 1}'],
    ['wrong indentation', 'a:\n    b: 1\n  c: 2'],
    ['an open bracket', 'a: [1, 2'],
    ['another document', 'a: 1\n---\nb: 1'],
    ['nothing but a comment', '# nothing'],
    ['a single scalar', 'text'],
  ])('leaves %s to the thorough reader', (_name, text) => {
    expect(readQuickly(text)).toBeUndefined();
  });
});

/** What the thorough reader makes of a text; undefined when it finds anything wrong. */
function thoroughReading(text: string): { readonly value: unknown } | undefined {
  const document = parseDocument(text, { merge: true, prettyErrors: false, logLevel: 'error' });
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  return { value: document.toJS() };
}

/** Whether the quick reader gives up, or says what the thorough one says, unless that refuses the text. */
function agrees(text: string): boolean {
  const quick = readQuickly(text);
  const thorough = quick === undefined ? undefined : thoroughReading(text);
  return thorough === undefined || isDeepStrictEqual(quick, thorough);
}

describe('readQuickly, against the thorough reader', () => {
  const scalars = fc.oneof(
    fc.constantFrom('a', 'b c', 'true', 'null', 'on', '~', '10.0.0.1', '1e3', '0x1F', '007', '-1', '.5', '5.', '-0'),
    fc.constantFrom('a#b', 'a: b', '- x', '#c', 'x ', '"q"', "it's", '', 'é', 'a\nb', '{x}', '[y]', 'key:', '.inf'),
    fc.constantFrom('<<', '!t', '*a', '&b', '%', '@', '`', 'a, b', '?', '-', ': y', 'a\tb', '\\d', '__proto__'),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ maxLength: 8 }),
  );
  const keys = fc.oneof(
    fc.constantFrom('a', 'name', 'app.kubernetes.io/name', '80', 'true', 'x y', '-', '<<'),
    fc.string(),
  );
  const values = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      scalars,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 3 }),
    ),
  })).value;
  const styles = fc.record({
    indentSeq: fc.boolean(),
    collectionStyle: fc.constantFrom('any' as const, 'block' as const, 'flow' as const),
    defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const, 'QUOTE_SINGLE' as const),
    indent: fc.integer({ min: 1, max: 4 }),
    lineWidth: fc.constantFrom(0, 20),
  });
  const fragments = fc.oneof(
    fc.constantFrom(' ', '  ', '\n', '- ', '-', ':', ': ', '#', ' #', 'a', '"', "'", '{', '}', '[', ']', ',', '1'),
    fc.constantFrom('&a ', '*a', '|', '>', '---', '...', '!', '?', '~', '%', '\r', 'x: 1\n', '\n\n', '  - ', '.', '0'),
    fc.constantFrom('\t', '\\'),
  );
  const edits = fc.array(
    fc.record({ at: fc.nat(), deleted: fc.integer({ min: 0, max: 3 }), inserted: fc.option(fragments, { nil: '' }) }),
    { maxLength: 4 },
  );
  const object = `apiVersion: v1
kind: Service
metadata: {name: "reviews", labels: {app: 'r'}}
spec:
  ports:
  - name: http # web
    port: 80

  -
    port: 81
  - - a
    - b: [1, "x"]
`;

  it('never says anything else', () => {
    const texts = fc.oneof(
      fc.constant(object),
      fc.tuple(values, styles).map(([value, style]) => stringify(value, style)),
      values.map((value) => JSON.stringify(value, null, 1)),
      fc.array(fragments, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, edits, (original, changes) => {
        let text = original;
        if (!agrees(text)) return false;
        return changes.every(({ at, deleted, inserted }) => {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + inserted + text.slice(place + deleted);
          return agrees(text);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads the greater part of what is plain', () => {
    const plain = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.constantFrom('x', 'y z', '10.0.0.1'), fc.integer(), fc.array(fc.integer())),
      { minKeys: 1, noNullPrototype: true },
    );
    fc.assert(fc.property(plain, (value) => isDeepStrictEqual(readQuickly(stringify(value))?.value, value)));
  });
});
