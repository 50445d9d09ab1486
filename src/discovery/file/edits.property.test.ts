import fc from 'fast-check';
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { FollowedFiles, documents, routeDocument, serviceDocument } from '../../../test/support/followed-files.ts';
import { configs, namespaces, services } from '../../model/tables.ts';

/** Any sequence of edits of a directory ends as a fresh load of it. */

const names = ['a.yaml', 'b.yaml', 'sub/c.yaml', 'sub/deep/d.json'] as const;

type Edit =
  | { readonly kind: 'write'; readonly name: string; readonly text: string; readonly inPlace: boolean }
  | { readonly kind: 'truncate'; readonly name: string; readonly share: number }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string }
  | { readonly kind: 'remove'; readonly name: string };

const objects = fc.oneof(
  fc
    .tuple(fc.constantFrom('s', 't'), fc.integer({ min: 1, max: 3 }))
    .map(([name, port]) => serviceDocument(name, port)),
  fc
    .tuple(fc.constantFrom('r', 'q'), fc.integer({ min: 1, max: 3 }))
    .map(([name, weight]) => routeDocument(name, weight)),
  fc.constant('apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n'),
);
const mistakes = fc.constantFrom(
  routeDocument('r', -1),
  serviceDocument('s').replace('80', 'high'),
  'kind: [\n',
  'apiVersion: networking.istio.io/v1\nkind: VirtualServce\n',
  '# nothing\n',
);
const good = fc.array(objects, { minLength: 1, maxLength: 4 }).map((texts) => documents(...texts));
const any = fc.array(fc.oneof(objects, mistakes), { maxLength: 4 }).map((texts) => documents(...texts));
const name = fc.constantFrom(...names);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), name, text: any, inPlace: fc.boolean() }),
  fc.record({ kind: fc.constant('truncate' as const), name, share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant('rename' as const), name, to: name }),
  fc.record({ kind: fc.constant('remove' as const), name }),
);

/** All that is in force and all that is wrong, save what depends on history: generations, and the places at which rows were first read. */
function state(followed: FollowedFiles): unknown {
  const { engine, problems, directory } = followed;
  return {
    services: [...engine.rows(services)]
      .map((row) => ({ ...row, declaredBy: row.declaredBy.origin.file }))
      .toSorted(byKey),
    namespaces: [...engine.rows(namespaces)],
    configs: [...engine.rows(configs)]
      .map((row) => ({ ...row, key: row.name, generation: 0, origin: row.origin.file }))
      .toSorted(byKey),
    problems: problems.map((problem) => ({ ...problem, key: problem.key.slice(directory.length) })),
    objects: followed.sourceRow?.objects,
    freshness: followed.sourceRow?.freshness,
  };
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}

function apply(followed: FollowedFiles, contents: Map<string, string>, change: Edit): void {
  const { name: file } = change;
  const text = contents.get(file);
  switch (change.kind) {
    case 'write':
      contents.set(file, change.text);
      if (change.inPlace) return followed.write(file, change.text);
      followed.write('.new', change.text);
      followed.write(file, change.text);
      return followed.rename('.new', file);
    case 'truncate':
      if (text === undefined) return;
      contents.set(file, text.slice(0, text.length * change.share));
      return followed.write(file, text.slice(0, text.length * change.share));
    case 'rename':
      if (text === undefined || change.to === file) return;
      followed.write(change.to, text);
      followed.rename(file, change.to);
      contents.delete(file);
      contents.set(change.to, text);
      return;
    case 'remove':
      if (contents.delete(file) && existsSync(followed.path(file))) followed.remove(file);
  }
}

it('any sequence of edits of a directory ends as a fresh load of it', { timeout: 120_000 }, async () => {
  const steps = fc.array(fc.tuple(edit, fc.nat(3)), { minLength: 1, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(name, any),
      steps,
      fc.array(good, { minLength: 4, maxLength: 4 }),
      async (start, edits, repairs) => {
        const followed = new FollowedFiles({ settleMs: 5 });
        const contents = new Map(Object.entries(start));
        for (const [file, text] of contents) followed.write(file, text);
        await followed.follow();
        for (const [change, turns] of edits) {
          apply(followed, contents, change);
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
        }
        // What is broken keeps what it gave, which a fresh load cannot know: so all of it is repaired in the end.
        for (const [index, file] of [...contents.keys()].entries()) {
          apply(followed, contents, {
            kind: 'write',
            name: file,
            text: repairs[index] ?? '',
            inPlace: index % 2 === 0,
          });
        }
        // Events come in order: when this one has been heard, so have all others.
        followed.write('z.yaml', serviceDocument('end'));
        const fresh = new FollowedFiles({}, followed.directory);
        fresh.source.readOnce();
        await followed.until(() => isDeepStrictEqual(state(followed), state(fresh)));
        expect(placesOf(followed)).toEqual(placesOf(fresh));
        await followed.close();
      },
    ),
    { numRuns: 60 },
  );
});

/** Where all objects are said to stand. */
function placesOf({ engine, source }: FollowedFiles): unknown {
  const references = [
    ...[...engine.rows(services)].map((row) => row.declaredBy),
    ...[...engine.rows(configs)].map(({ kind, namespace, name: object, origin }) => ({
      kind,
      namespace,
      name: object,
      origin,
    })),
  ];
  return Object.fromEntries(
    references.map((reference) => [`${reference.kind} ${reference.name}`, source.placeOf(reference)]),
  );
}
