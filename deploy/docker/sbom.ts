import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * `npm run sbom`: the bill of materials of the image, as CycloneDX, on standard output. npm's own `--omit dev` leaves out every library that
 * a tool of development uses as well, so that what is only for development is taken out here, by the mark that npm gives it.
 */

interface Component {
  readonly 'bom-ref': string;
  readonly scope?: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Bill {
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const development = 'cdx:npm:package:development';

const output = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'], {
  cwd: join(import.meta.dirname, '..', '..'),
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
const bill = JSON.parse(output) as Bill;
/** The Dockerfile leaves out both. */
const isLeftOut = ({ scope, properties = [] }: Component): boolean =>
  scope === 'optional' || properties.some(({ name }) => name === development);
const leftOut = new Set(bill.components.filter(isLeftOut).map((component) => component['bom-ref']));
const shipped: Bill = {
  ...bill,
  components: bill.components.filter((component) => !isLeftOut(component)),
  dependencies: bill.dependencies
    .filter(({ ref }) => !leftOut.has(ref))
    .map((dependency) => ({ ...dependency, dependsOn: dependency.dependsOn.filter((ref) => !leftOut.has(ref)) })),
};
console.log(JSON.stringify(shipped, undefined, 2));
