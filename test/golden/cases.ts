import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A mesh, a proxy in it, and what the proxy is sent: `AREA/CASE/in.yaml` and the files of `outputs` beside it. */
export interface GoldenCase {
  /** `AREA/CASE` */
  readonly name: string;
  readonly folder: string;
  /** The comment at the head of the mesh: what the case shows, and which items of the specifications it proves. */
  readonly title: string;
  /** The objects of the mesh. */
  readonly mesh: string;
  /** An Envoy node as JSON: beside the mesh, else the nearest one above it. */
  readonly node: string;
  /** What Weir knows of the proxy that the node does not say, as JSON: found like the node; undefined: nothing. */
  readonly proxy: string | undefined;
}

const goldenFolder = dirname(fileURLToPath(import.meta.url));

/** What a proxy is sent, by type; also the names of the files. */
export const outputs = ['clusters', 'endpoints', 'listeners', 'routes'] as const;
export type Output = (typeof outputs)[number];

/** All cases, sorted by name. */
export function goldenCases(): readonly GoldenCase[] {
  const areas = foldersIn(goldenFolder);
  return areas.flatMap((area) => foldersIn(join(goldenFolder, area)).map((name) => goldenCase(`${area}/${name}`)));
}

export function outputFile({ folder }: GoldenCase, output: Output): string {
  return join(folder, `${output}.yaml`);
}

/** Files of a case that neither go in nor come out. */
export function orphansOf({ folder }: GoldenCase): readonly string[] {
  const known = new Set(['in.yaml', 'node.json', 'proxy.json', ...outputs.map((output) => `${output}.yaml`)]);
  return readdirSync(folder)
    .filter((name) => !known.has(name))
    .map((name) => join(folder, name));
}

function goldenCase(name: string): GoldenCase {
  const folder = join(goldenFolder, name);
  const mesh = join(folder, 'in.yaml');
  return {
    name,
    folder,
    title: titleOf(readFileSync(mesh, 'utf8')),
    mesh,
    node: nearestNode(folder),
    proxy: nearestProxy(folder),
  };
}

function titleOf(yaml: string): string {
  const lines = yaml.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^#\s*/, ''))
    .join(' ');
}

function nearestNode(folder: string): string {
  const file = join(folder, 'node.json');
  return existsSync(file) || folder === goldenFolder ? file : nearestNode(dirname(folder));
}

function nearestProxy(folder: string): string | undefined {
  const file = join(folder, 'proxy.json');
  if (existsSync(file)) return file;
  return folder === goldenFolder ? undefined : nearestProxy(dirname(folder));
}

function foldersIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}
