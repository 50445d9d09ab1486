import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { FollowedFiles, documents, routeDocument, serviceDocument } from '../../../test/support/followed-files.ts';
import { referenceToConfig } from '../../model/config-object.ts';
import { configs, services } from '../../model/tables.ts';
import { DirectoryError } from './directory-error.ts';
import type { FileSourceOptions } from './file-source.ts';

const open: FollowedFiles[] = [];

afterEach(async () => {
  for (const files of open.splice(0)) await files.close();
});

/** Long enough that nothing is confirmed within a test. */
const never = 600_000;

/** Follows files. */
async function follow(
  files: Readonly<Record<string, string>>,
  options: Partial<FileSourceOptions> = {},
): Promise<FollowedFiles> {
  const followed = new FollowedFiles(options);
  open.push(followed);
  for (const [name, text] of Object.entries(files)) followed.write(name, text);
  await followed.follow();
  return followed;
}

function weightOf(followed: FollowedFiles, name: string): unknown {
  const spec = followed.config(name)?.spec;
  return typeof spec === 'object' && spec !== null && 'weight' in spec ? spec.weight : undefined;
}

describe('a change', () => {
  it('is in force at once, in one batch that says when it was heard', async () => {
    const followed = await follow({ 'a.yaml': routeDocument('r', 1) }, { settleMs: never });
    const before = performance.now();
    followed.write('a.yaml', documents(routeDocument('r', 2), routeDocument('s', 3)));
    await followed.until(() => weightOf(followed, 's') === 3);
    const commit = followed.commits.at(-1);
    expect(weightOf(followed, 'r')).toBe(2);
    expect(commit?.cause.source).toBe('files');
    expect(commit?.cause.at).toBeGreaterThanOrEqual(before);
    expect(commit?.cause.at).toBeLessThanOrEqual(performance.now());
  });

  it('of several files in one turn is one batch', async () => {
    const followed = await follow({ 'a.yaml': routeDocument('a', 1), 'b.yaml': routeDocument('b', 1) });
    const commits = followed.commits.length;
    // Renames, since a file written in place is seen empty in between.
    followed.write('.a', routeDocument('a', 2));
    followed.write('.b', routeDocument('b', 2));
    followed.rename('.a', 'a.yaml');
    followed.rename('.b', 'b.yaml');
    await followed.until(() => weightOf(followed, 'b') === 2);
    expect(followed.commits.length).toBe(commits + 1);
    expect(weightOf(followed, 'a')).toBe(2);
  });

  it('of one document of many changes one row, and moves nobody else', async () => {
    const many = (weight: number): string =>
      documents(...Array.from({ length: 200 }, (_, index) => routeDocument(`r${index}`, index === 100 ? weight : 1)));
    const followed = await follow({ 'a.yaml': many(1) });
    const rows = new Map([...followed.engine.rows(configs)].map((row) => [row.name, row]));
    followed.write('.new', `# a comment\n# above\n---\n${serviceDocument('first')}---\n${many(2)}`);
    followed.rename('.new', 'a.yaml');
    await followed.until(() => weightOf(followed, 'r100') === 2);
    for (const row of followed.engine.rows(configs)) {
      if (row.name !== 'r100') expect(row).toBe(rows.get(row.name));
    }
    const last = followed.config('r199');
    if (last === undefined) throw new Error('r199 is missing');
    expect(last.origin).toMatchObject({ document: 200, line: 199 * 8 + 1 });
    const moved = followed.source.placeOf(referenceToConfig(last), 'spec.weight');
    expect(moved).toEqual({ file: followed.path('a.yaml'), document: 201, line: 3 + 9 + 199 * 8 + 7 });
  });

  it('raises the generation, and a change of nothing but comments does not', async () => {
    const followed = await follow({ 'a.yaml': routeDocument('r', 1) }, { settleMs: never });
    expect(followed.config('r')?.generation).toBe(1);
    followed.write('a.yaml', routeDocument('r', 2));
    await followed.until(() => weightOf(followed, 'r') === 2);
    expect(followed.config('r')?.generation).toBe(2);
    followed.write('a.yaml', `# comment\n${documents(routeDocument('r', 2), serviceDocument('s'))}`);
    await followed.until(() => followed.names.includes('service s'));
    expect(followed.config('r')?.generation).toBe(2);
    // Copied from a cluster: the number stands, the content does not.
    followed.write('a.yaml', routeDocument('r', 3).replace('name: r', 'name: r\n  generation: 1'));
    await followed.until(() => weightOf(followed, 'r') === 3);
    expect(followed.config('r')?.generation).toBe(3);
    followed.write('a.yaml', routeDocument('r', 3).replace('name: r', 'name: r\n  generation: 9'));
    await followed.until(() => followed.config('r')?.generation === 9);
  });

  it('is found in new directories, however deep', async () => {
    const followed = await follow({});
    followed.write('new/er/a.yaml', serviceDocument('a'));
    await followed.until(() => followed.names.includes('service a'));
    followed.write('new/er/b.yaml', serviceDocument('b'));
    await followed.until(() => followed.names.includes('service b'));
    followed.write('elsewhere.d/c.yaml', serviceDocument('c'));
    followed.rename('elsewhere.d', 'new/moved');
    await followed.until(() => followed.names.includes('service c'));
    followed.write('new/moved/c.yaml', documents(serviceDocument('c'), serviceDocument('d')));
    await followed.until(() => followed.names.includes('service d'));
  });
});

describe('a removal', () => {
  it('of a document waits, while changes of the same edit do not', async () => {
    const text = documents(serviceDocument('gone'), routeDocument('r', 1));
    const followed = await follow({ 'a.yaml': text }, { settleMs: never });
    followed.write('a.yaml', routeDocument('r', 2));
    await followed.until(() => weightOf(followed, 'r') === 2);
    expect(followed.names).toContain('service gone');
  });

  it('of a document is confirmed by a file that stays as it is', async () => {
    const followed = await follow({ 'a.yaml': documents(serviceDocument('gone'), serviceDocument('stays')) });
    followed.write('a.yaml', serviceDocument('stays'));
    await followed.until(() => !followed.names.includes('service gone'));
    expect(followed.names).toEqual(['service stays']);
    expect(followed.sourceRow?.objects).toBe(1);
  });

  it('of a file is confirmed by a file that stays away', async () => {
    const followed = await follow({ 'a.yaml': serviceDocument('a'), 'sub/b.yaml': serviceDocument('b') });
    followed.remove('a.yaml');
    await followed.until(() => !followed.names.includes('service a'));
    followed.remove('sub');
    await followed.until(() => followed.names.length === 0);
    expect(followed.sourceRow).toMatchObject({ freshness: 'synced', objects: 0 });
  });

  it('does not happen when an object moves to another file, changed or not', async () => {
    const followed = await follow({ 'a.yaml': documents(routeDocument('r', 1), routeDocument('s', 1)) });
    const removed: string[] = [];
    followed.engine.onCommit(() => {
      if (followed.config('r') === undefined || followed.config('s') === undefined) removed.push('removed');
    });
    followed.write('b.yaml', documents(routeDocument('r', 2), routeDocument('s', 1)));
    followed.remove('a.yaml');
    await followed.until(() =>
      [...followed.engine.rows(configs)].every(({ origin }) => origin.file === followed.path('b.yaml')),
    );
    expect(weightOf(followed, 'r')).toBe(2);
    expect(removed).toEqual([]);
    expect(followed.problems).toEqual([]);
  });

  it('does not happen when a file is renamed', async () => {
    const followed = await follow({ 'b.yaml': routeDocument('r', 1) });
    followed.rename('b.yaml', 'a.yaml');
    await followed.until(() => followed.config('r')?.origin.file === followed.path('a.yaml'));
    followed.rename('a.yaml', 'c.yaml');
    await followed.until(() => followed.config('r')?.origin.file === followed.path('c.yaml'));
    expect(followed.config('r')?.generation).toBe(1);
  });

  it('does not happen when an editor replaces a file by another one', async () => {
    const followed = await follow({ 'a.yaml': routeDocument('r', 1) }, { settleMs: never });
    followed.rename('a.yaml', 'a.yaml~');
    followed.write('a.yaml', routeDocument('r', 2));
    await followed.until(() => weightOf(followed, 'r') === 2);
    expect(followed.names).toEqual(['VirtualService r']);
  });
});

describe('a file that is being written', () => {
  it('keeps its objects while it is shorter than it will be', async () => {
    const text = documents(serviceDocument('a'), serviceDocument('b'), routeDocument('r', 1));
    const followed = await follow({ 'a.yaml': text }, { settleMs: never });
    const seen = new Set<number>();
    followed.engine.onCommit(() => seen.add(followed.names.length));
    const file = openSync(followed.path('a.yaml'), 'w');
    for (const piece of text.replace('weight: 1', 'weight: 2').match(/[^]{1,40}/g) ?? []) {
      writeSync(file, piece);
      await new Promise(setImmediate);
    }
    closeSync(file);
    await followed.until(() => weightOf(followed, 'r') === 2);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(3);
    expect(followed.names.slice(0, 1)).toEqual(['VirtualService r']);
    expect(followed.names).toEqual(expect.arrayContaining(['service a', 'service b']));
  });

  it('that ends in the middle of a document keeps what it gave, and is reported', async () => {
    const text = documents(serviceDocument('a'), routeDocument('b', 1), routeDocument('c', 1));
    const followed = await follow({ 'a.yaml': text });
    followed.write(
      'a.yaml',
      `${serviceDocument('a')}---\n${routeDocument('b', 2)}---\napiVersion: networking.istio.io/v1\nki`,
    );
    await followed.until(() => followed.problems.length > 0);
    expect(followed.problemPlaces).toEqual(['a.yaml:19 WEIR2006']);
    expect(followed.problems[0]).toMatchObject({ document: 3, keptLastGood: true });
    expect(followed.names).toEqual(['VirtualService b', 'VirtualService c', 'service a']);
    expect(weightOf(followed, 'b')).toBe(2);
    followed.write('a.yaml', text.replaceAll('weight: 1', 'weight: 3'));
    await followed.until(() => followed.problems.length === 0);
    expect([weightOf(followed, 'b'), weightOf(followed, 'c')]).toEqual([3, 3]);
  });

  it.each(['', '\n'])('and is empty (%j) keeps its objects, and says how to remove them', async (text) => {
    const followed = await follow({ 'a.yaml': serviceDocument('a'), 'b.yaml': serviceDocument('b') });
    followed.write('a.yaml', text);
    await followed.until(() => followed.problems.length > 0);
    expect(followed.problemPlaces).toEqual(['a.yaml:1 WEIR2005']);
    expect(followed.problems[0]).toMatchObject({
      keptLastGood: true,
      advice: 'delete the file if its objects shall go',
    });
    expect(followed.names).toEqual(['service a', 'service b']);
    followed.remove('a.yaml');
    await followed.until(() => followed.names.length === 1);
    expect(followed.problems).toEqual([]);
  });

  it('or cannot be read keeps its objects, and is reported', async () => {
    const followed = await follow({ 'a.yaml': serviceDocument('a') });
    // A file whose reading fails for everybody, root included.
    symlinkSync('/proc/self/mem', followed.path('.link'));
    followed.rename('.link', 'a.yaml');
    await followed.until(() => followed.problems.length > 0);
    expect(followed.problemPlaces).toEqual(['a.yaml:1 WEIR2003']);
    expect(followed.names).toEqual(['service a']);
  });

  it('shows no problem that lasts only a moment', async () => {
    const followed = await follow({ 'a.yaml': serviceDocument('a') }, { settleMs: never });
    followed.write('a.yaml', 'kind: [');
    followed.write('b.yaml', serviceDocument('b'));
    await followed.until(() => followed.names.includes('service b'));
    followed.write('a.yaml', documents(serviceDocument('a'), serviceDocument('c')));
    await followed.until(() => followed.names.includes('service c'));
    expect(followed.commits.flatMap(({ changedRows }) => changedRows.map(({ table }) => table))).not.toContain(
      'sourceProblems',
    );
  });
});

describe('a bad edit', () => {
  it.each([
    [
      'refused by the dialect',
      (text: string) => text.replace('weight: 1', 'weight: -1'),
      'a.yaml:7 WEIR1105 spec.weight',
    ],
    ['of an unknown kind', (text: string) => text.replace('VirtualService', 'VirtualServce'), 'a.yaml:2 WEIR2008 kind'],
    [
      'of an unknown version',
      (text: string) => text.replace('istio.io/v1', 'istio.io/v7'),
      'a.yaml:1 WEIR2009 apiVersion',
    ],
    ['that is no YAML', (text: string) => text.replace('hosts: [r]', 'hosts: [r'), 'a.yaml:7 WEIR2006'],
    ['of a wrong type', (text: string) => text.replace('spec:', 'spec: 7\nx:'), 'a.yaml:5 WEIR1002 spec'],
    ['that loses the name', (text: string) => text.replace('name: r', 'nam: r'), 'a.yaml:3 WEIR1005 metadata.name'],
  ])('%s keeps the last good version, and disturbs nothing else', async (_name, spoil, place) => {
    const good = routeDocument('r', 1);
    const followed = await follow({ 'a.yaml': documents(good, routeDocument('s', 1)), 'b.yaml': serviceDocument('b') });
    followed.write('a.yaml', documents(spoil(good), routeDocument('s', 2)));
    await followed.until(() => followed.problems.length > 0);
    expect(followed.problemPlaces).toEqual([place]);
    expect(followed.problems[0]).toMatchObject({ keptLastGood: true, document: 1 });
    expect([weightOf(followed, 'r'), weightOf(followed, 's')]).toEqual([1, 2]);
    expect(followed.names).toContain('service b');
    followed.write('a.yaml', documents(routeDocument('r', 5), routeDocument('s', 2)));
    await followed.until(() => weightOf(followed, 'r') === 5);
    expect(followed.problems).toEqual([]);
  });

  it('keeps objects through several broken versions', async () => {
    const followed = await follow({ 'a.yaml': documents(routeDocument('r', 1), serviceDocument('s')) });
    followed.write('a.yaml', documents('kind: [', serviceDocument('s')));
    await followed.until(() => followed.problems.length > 0);
    followed.write('a.yaml', documents('kind: [1, {', serviceDocument('s'), serviceDocument('t')));
    await followed.until(() => followed.names.includes('service t'));
    expect(weightOf(followed, 'r')).toBe(1);
    followed.write('a.yaml', documents(serviceDocument('s'), serviceDocument('t')));
    await followed.until(() => followed.config('r') === undefined);
    expect(followed.problems).toEqual([]);
  });

  it('that stands elsewhere in the file does not keep what is removed later', async () => {
    const bad = 'apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: x}\n';
    const followed = await follow({ 'a.yaml': documents(bad, serviceDocument('a'), serviceDocument('b')) });
    expect(followed.problems.length).toBe(1);
    followed.write('a.yaml', documents(bad, serviceDocument('a')));
    await followed.until(() => followed.names.length === 1);
    expect(followed.names).toEqual(['service a']);
  });

  it('moves with the lines above it, and is one problem all the time', async () => {
    const bad = routeDocument('r', -1);
    const followed = await follow({ 'a.yaml': bad });
    expect(followed.problemPlaces).toEqual(['a.yaml:7 WEIR1105 spec.weight']);
    followed.write('a.yaml', `# one\n# two\n${bad}`);
    await followed.until(() => followed.problems[0]?.line === 9);
    expect(followed.problems.length).toBe(1);
  });
});

describe('two documents for one object', () => {
  it('count in the order of files, whatever the order in which they were written', async () => {
    const followed = await follow({ 'b.yaml': routeDocument('r', 1) });
    followed.write('a.yaml', routeDocument('r', 2));
    await followed.until(() => followed.problems.length > 0);
    expect(weightOf(followed, 'r')).toBe(2);
    expect(followed.problemPlaces).toEqual(['b.yaml:1 WEIR2010']);
    followed.remove('a.yaml');
    await followed.until(() => weightOf(followed, 'r') === 1);
    expect(followed.problems).toEqual([]);
  });

  it('count in the order of documents, even when only their order changes', async () => {
    const followed = await follow({
      'a.yaml': documents(routeDocument('r', 1), serviceDocument('s'), routeDocument('r', 2)),
    });
    expect(weightOf(followed, 'r')).toBe(1);
    followed.write('a.yaml', documents(routeDocument('r', 2), serviceDocument('s'), routeDocument('r', 1)));
    await followed.until(() => weightOf(followed, 'r') === 2);
    expect(followed.problemPlaces).toEqual(['a.yaml:18 WEIR2010']);
  });
});

describe('directories', () => {
  it('reliability/R1: that vanish make the source stale, and what they gave stays', async () => {
    const followed = await follow({ 'a.yaml': serviceDocument('a'), 'sub/b.yaml': serviceDocument('b') });
    renameSync(followed.directory, `${followed.directory}-away`);
    await followed.until(() => followed.sourceRow?.freshness === 'stale');
    expect(followed.sourceRow?.reason).toBe(`the directory ${followed.directory} has vanished`);
    expect(followed.problems).toMatchObject([{ code: 'WEIR2002', file: followed.directory, keptLastGood: true }]);
    expect(followed.names).toEqual(['service a', 'service b']);
    renameSync(`${followed.directory}-away`, followed.directory);
    await followed.until(() => followed.sourceRow?.freshness === 'synced');
    expect(followed.problems).toEqual([]);
    followed.write('a.yaml', serviceDocument('c'));
    await followed.until(() => followed.names.includes('service c'));
  });

  it('reliability/R1, xds-protocol/X88: that are deleted with all their files are lost, not emptied', async () => {
    const followed = await follow({ 'a.yaml': serviceDocument('a'), 'sub/b.yaml': serviceDocument('b') });
    rmSync(followed.directory, { recursive: true });
    await followed.until(() => followed.sourceRow?.freshness === 'stale');
    mkdirSync(followed.directory);
    await followed.until(() => followed.sourceRow?.reason?.endsWith('replaced by an empty one') === true);
    expect(followed.names).toEqual(['service a', 'service b']);
    followed.write('a.yaml', serviceDocument('a'));
    await followed.until(() => followed.sourceRow?.freshness === 'synced');
    await followed.until(() => followed.names.length === 1);
    expect(followed.names).toEqual(['service a']);
  });

  it('that Kubernetes mounts from a ConfigMap change all at once', async () => {
    const followed = new FollowedFiles();
    open.push(followed);
    followed.write('..1/a.yaml', routeDocument('a', 1));
    followed.write('..1/b.yaml', routeDocument('b', 1));
    symlinkSync('..1', followed.path('..data'));
    symlinkSync('..data/a.yaml', followed.path('a.yaml'));
    symlinkSync('..data/b.yaml', followed.path('b.yaml'));
    await followed.follow();
    expect(followed.names).toEqual(['VirtualService a', 'VirtualService b']);
    const commits = followed.commits.length;
    followed.write('..2/a.yaml', routeDocument('a', 2));
    followed.write('..2/b.yaml', routeDocument('b', 2));
    symlinkSync('..2', followed.path('..data_tmp'));
    followed.rename('..data_tmp', '..data');
    followed.remove('..1');
    await followed.until(() => weightOf(followed, 'b') === 2);
    expect(weightOf(followed, 'a')).toBe(2);
    expect(followed.commits.length).toBe(commits + 1);
    expect(followed.problems).toEqual([]);
  });

  it('that are links are followed when they are turned', async () => {
    const followed = new FollowedFiles();
    open.push(followed);
    followed.write('.one/a.yaml', routeDocument('a', 1));
    followed.write('.two/a.yaml', routeDocument('a', 2));
    symlinkSync('.one', followed.path('current'));
    await followed.follow();
    symlinkSync('.two', followed.path('.next'));
    followed.rename('.next', 'current');
    await followed.until(() => weightOf(followed, 'a') === 2);
    followed.write('.two/a.yaml', routeDocument('a', 3));
    await followed.until(() => weightOf(followed, 'a') === 3);
  });

  it('that lead back to themselves end somewhere', async () => {
    const followed = new FollowedFiles();
    open.push(followed);
    followed.write('sub/a.yaml', serviceDocument('a'));
    symlinkSync('..', followed.path('sub/up'));
    await followed.follow();
    expect(followed.names).toEqual(['service a']);
    expect(followed.problems).toEqual([]);
  });

  it('are looked at now and then, since not every change is heard', async () => {
    const followed = new FollowedFiles({ rescanMs: 20 });
    open.push(followed);
    followed.write('.elsewhere.yaml', routeDocument('a', 1));
    symlinkSync('.elsewhere.yaml', followed.path('a.yaml'));
    followed.write('.far/b.yaml', routeDocument('b', 1));
    symlinkSync('.far/b.yaml', followed.path('b.yaml'));
    await followed.follow();
    writeFileSync(followed.path('.far/b.yaml'), routeDocument('b', 2));
    await followed.until(() => weightOf(followed, 'b') === 2);
    unlinkSync(followed.path('.far/b.yaml'));
    await followed.until(() => followed.config('b') === undefined);
    expect(followed.names).toEqual(['VirtualService a']);
  });

  it('that are missing at the start end the run before it begins', async () => {
    const followed = new FollowedFiles();
    open.push(followed);
    const other = new FollowedFiles({ directories: [followed.path('nowhere')] }, followed.directory);
    await expect(other.source.run(new AbortController().signal)).rejects.toThrow(DirectoryError);
    expect(other.commits).toEqual([]);
  });
});

describe('the source', () => {
  it('reliability/R12: is unknown until everything is read, in one batch', async () => {
    const followed = await follow({ 'a.yaml': serviceDocument('a'), 'b.yaml': serviceDocument('b') });
    expect(followed.commits.map(({ changedRows }) => changedRows.map(({ table }) => table).toSorted())).toEqual([
      ['sources'],
      ['services', 'services', 'sources'],
    ]);
    expect(followed.sourceRow).toMatchObject({ freshness: 'synced', objects: 2 });
  });

  it('stops when it is told to, and changes nothing any more', async () => {
    const followed = await follow({ 'a.yaml': serviceDocument('a') });
    await followed.stop();
    const rows = [...followed.engine.rows(services)];
    followed.write('b.yaml', serviceDocument('b'));
    await new Promise(setImmediate);
    expect([...followed.engine.rows(services)]).toEqual(rows);
  });

  it('stops at once when it was told to before it began', async () => {
    const followed = new FollowedFiles();
    open.push(followed);
    followed.write('a.yaml', serviceDocument('a'));
    await followed.source.run(AbortSignal.abort());
    expect(followed.names).toEqual([]);
  });
});
