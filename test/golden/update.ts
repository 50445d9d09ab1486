import { rmSync, writeFileSync } from 'node:fs';
import { goldenCases, orphansOf, outputFile, outputs } from './cases.ts';
import { renderCase, yamlOf } from './rendering.ts';

/** Writes what every case gives now, and deletes what no case gives. The difference is reviewed like code. */
for (const golden of goldenCases()) {
  const yaml = yamlOf(renderCase(golden));
  for (const orphan of orphansOf(golden)) rmSync(orphan, { recursive: true });
  for (const output of outputs) writeFileSync(outputFile(golden, output), yaml[output]);
}
