import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/**
 * Compiles `src` to `dist` for the package and the image, where Node does not strip types. Tests stay out; data files that the
 * program reads beside its modules go along. An argument names another folder than `dist`.
 */

const root = import.meta.dirname;
const source = join(root, 'src');
const target = resolve(process.argv[2] ?? join(root, 'dist'));
const dataFiles = ['xds/generated/envoy-api.json'];

function readProject(): ts.ParsedCommandLine {
  const path = join(root, 'tsconfig.json');
  const { config, error } = ts.readConfigFile(path, (file) => ts.sys.readFile(file));
  if (error !== undefined) fail([error]);
  return ts.parseJsonConfigFileContent(config, ts.sys, root, {
    noEmit: false,
    allowImportingTsExtensions: false,
    noEmitOnError: true,
    rootDir: source,
    outDir: target,
  });
}

function fail(problems: readonly ts.Diagnostic[]): never {
  const text = ts.formatDiagnostics(problems, {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (file) => file,
    getNewLine: () => '\n',
  });
  console.error(text.trimEnd());
  process.exit(1);
}

const project = readProject();
const files = project.fileNames.filter((file) => file.startsWith(`${source}/`) && !file.endsWith('.test.ts'));
rmSync(target, { recursive: true, force: true });
const program = ts.createProgram(files, project.options);
const result = program.emit();
const problems = ts.sortAndDeduplicateDiagnostics([...ts.getPreEmitDiagnostics(program), ...result.diagnostics]);
if (problems.length > 0) fail(problems);
for (const file of dataFiles) {
  mkdirSync(dirname(join(target, file)), { recursive: true });
  cpSync(join(source, file), join(target, file));
}
console.log(`build: ${files.length} modules in ${target}`);
