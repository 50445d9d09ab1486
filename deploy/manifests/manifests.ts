import { join } from 'node:path';
import { isMap, parseAllDocuments, type Document } from 'yaml';
import { namespace } from '../helm/helm.ts';

/** The chart with its default values, for those who do without Helm. */

export const manifestsFile = join(import.meta.dirname, 'weir.yaml');

const head = `# Made from deploy/helm/weir with its default values by \`npm run chart\`; do not edit.
# Before it come the kinds: \`weir install crds\`, docs/how-to/install.md.
apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

/** Labels that are about Helm. */
const helmLabels = ['helm.sh/chart', 'app.kubernetes.io/managed-by', 'app.kubernetes.io/instance'];

/** @param rendered what Helm made of the chart */
export function plainManifests(rendered: string): string {
  const documents = parseAllDocuments(rendered).filter((document) => !isHook(document));
  for (const document of documents) {
    for (const labels of [
      ['metadata', 'labels'],
      ['spec', 'template', 'metadata', 'labels'],
    ]) {
      if (!isMap(document.getIn(labels))) continue;
      for (const label of helmLabels) document.deleteIn([...labels, label]);
    }
  }
  const texts = documents.map((document) =>
    document.toString({ lineWidth: 0 }).replace(/^(---\n)?(# Source: .*\n)?/, ''),
  );
  return [head, ...texts].join('---\n');
}

/** What Helm runs and takes away again. */
function isHook(document: Document): boolean {
  return document.getIn(['metadata', 'annotations', 'helm.sh/hook']) !== undefined;
}
