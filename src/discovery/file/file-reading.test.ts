import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documents, routeDocument, serviceDocument } from '../../../test/support/followed-files.ts';
import { emptyFile, placeOfDocument, readFile, type FileChange, type FileReading } from './file-reading.ts';
import type { ObjectContext } from '../kubernetes/objects/object-rows.ts';

const context: ObjectContext = {
  source: 'files',
  domain: 'cluster.local',
  admit: () => [],
  origin: { source: 'files', file: 'a.yaml' },
};

function read(text: string, previous: FileReading = emptyFile): FileChange {
  const steps = readFile(Buffer.from(text), previous, context);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** What is known of each document, and where. */
function summary(reading: FileReading): readonly unknown[] {
  return reading.contents.map((content) => {
    const place = placeOfDocument(reading, content);
    const { objects, faults, ignored, lines, isNumbered } = content;
    const outcomes = objects.map(({ id, path, outcome }) => `${id} ${path} ${outcome.kind}`);
    return { ...place, content: { outcomes, faults, ignored, lines, isNumbered } };
  });
}

describe('readFile', () => {
  it('reads again only what was edited', () => {
    const many = (changed: number): string =>
      documents(...Array.from({ length: 100 }, (_, index) => routeDocument(`r${index}`, index === changed ? 2 : 1)));
    const first = read(many(-1)).reading;
    const { reading, added, removed } = read(many(50), first);
    expect(added.map(({ objects }) => objects[0]?.id)).toEqual(['networking.istio.io/VirtualService default/r50']);
    expect(removed).toEqual([first.contents[50]]);
    expect(reading.contents.filter((content) => first.contents.includes(content)).length).toBe(99);
  });

  it('recognises documents that moved', () => {
    const first = read(documents(serviceDocument('a'), serviceDocument('b'), serviceDocument('c'))).reading;
    const { added, removed } = read(documents(serviceDocument('c'), serviceDocument('a'), serviceDocument('b')), first);
    // The first document has no `---` line, so that its text and that of the new first one differ.
    expect(added.length).toBe(2);
    expect(removed.length).toBe(2);
    const marked = (...names: readonly string[]): string =>
      names.map((name) => `---\n${serviceDocument(name)}`).join('');
    const second = read(marked('a', 'b', 'c')).reading;
    expect(read(marked('c', 'a', 'b'), second)).toMatchObject({ added: [], removed: [] });
  });

  it('after any edits says what it says of the last version alone', () => {
    const lines = fc.constantFrom(
      ...[
        '---',
        '--- # c',
        '...',
        '%YAML 1.2',
        '# comment',
        '',
        'kind: Service',
        'apiVersion: v1',
        'metadata: {name: a}',
      ],
      ...['metadata: {name: b}', 'spec: [', '- x', '  ---', 'ä: ö', 'kind: Pod', '---x'],
    );
    const texts = fc.array(lines, { maxLength: 14 }).map((chosen) => chosen.join('\n'));
    const edits = fc.array(
      fc.record({ at: fc.nat(), deleted: fc.nat(30), inserted: fc.array(lines, { maxLength: 3 }) }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(texts, edits, (original, changes) => {
        let text = original;
        let reading = read(text).reading;
        for (const { at, deleted, inserted } of changes) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + inserted.join('\n') + text.slice(place + deleted);
          const before = new Set(reading.contents);
          const change = read(text, reading);
          reading = change.reading;
          expect(summary(reading)).toEqual(summary(read(text).reading));
          expect(new Set(change.added)).toEqual(new Set(reading.contents).difference(before));
          expect(new Set(change.removed)).toEqual(before.difference(new Set(reading.contents)));
        }
      }),
      { numRuns: 400 },
    );
  });
});
