/**
 * Compiles the Envoy API, and the few files of our own beside it, into `src/xds/generated/`: a descriptor for protobufjs and TypeScript types. Run by `npm run proto`;
 * does nothing while its inputs are unchanged.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { roots } from './roots.ts';

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, '..', 'src', 'xds', 'generated');
const resolvePackage = createRequire(import.meta.url).resolve;
const apiPackage = resolvePackage('@grpc/grpc-js-xds/package.json');
const dependencies = join(dirname(apiPackage), 'deps');
const folders = [...['envoy-api', 'googleapis', 'xds'].map((name) => join(dependencies, name)), here];

/** Files that only declare options and annotations; the descriptor keeps the options that matter as plain data. */
const skipped = /(^|\/)annotations(\/|\.proto)|^validate\/|^google\/protobuf\/descriptor\.proto$/;

const stamp = stampOfInputs();
const stampFile = join(output, 'stamp');
if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
  console.log('proto: up to date');
} else {
  await compile();
}

async function compile(): Promise<void> {
  // Imported late: a run that finds everything up to date stays fast.
  const { default: protobuf } = await import('protobufjs');
  const { describe } = await import('./descriptor.ts');
  const { typeScriptOf } = await import('./typescript.ts');
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => (skipped.test(target) ? null : (fileOf(target) ?? target));
  const files = roots.flatMap(expand);
  root.loadSync(files, { keepCase: true }).resolveAll();
  const isRoot = new Set(files.map((file) => fileOf(file) ?? file));
  const descriptor = describe(root, (file) => isRoot.has(file) || isGoogleType(file));
  const described = protobuf.Root.fromJSON(descriptor);
  mkdirSync(output, { recursive: true });
  writeWhole(join(output, 'envoy-api.json'), JSON.stringify(descriptor));
  writeWhole(join(output, 'envoy-api.ts'), typeScriptOf(described));
  writeWhole(stampFile, stamp);
  console.log(`proto: compiled ${files.length} files of the Envoy API`);
}

/** protobufjs brings Google's well-known types itself, without a file. */
function isGoogleType(file: string): boolean {
  return file === '' || file.startsWith('google/protobuf/');
}

function fileOf(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(existsSync);
}

/** The files that an entry of the list stands for, sorted. */
function expand(entry: string): readonly string[] {
  if (!entry.endsWith('/')) return [entry];
  const found = folders.flatMap((folder) =>
    globSync(`${entry}**/*.proto`, { cwd: folder }).map((file) => relative(folder, join(folder, file))),
  );
  if (found.length === 0) throw new Error(`no .proto files below ${entry}`);
  return found.toSorted();
}

/** Packages never change under one version, so their versions stand for their contents. */
function stampOfInputs(): string {
  const hash = createHash('sha256');
  for (const file of [apiPackage, resolvePackage('protobufjs/package.json')]) {
    const { name, version }: { name: string; version: string } = JSON.parse(readFileSync(file, 'utf8'));
    hash.update(`${name}@${version}\n`);
  }
  for (const file of globSync('**/*.{ts,proto}', { cwd: here }).toSorted()) hash.update(readFileSync(join(here, file)));
  return hash.digest('hex');
}

/** A reader at the same time sees the old file or the new one, never half of it. */
function writeWhole(file: string, content: string): void {
  writeFileSync(`${file}.${process.pid}`, content);
  renameSync(`${file}.${process.pid}`, file);
}
