import { join } from 'node:path';
import { dashboardJson } from './dashboard.ts';
import { chartFolder } from './helm.ts';
import { valuesSchemaJson } from './values-schema.ts';

/** Files of the chart that are made from something else. */
export const generatedFiles: readonly { readonly path: string; readonly text: string }[] = [
  { path: join(chartFolder, 'values.schema.json'), text: valuesSchemaJson() },
  { path: join(chartFolder, 'dashboards', 'control-plane.json'), text: dashboardJson() },
];
