import { writeFileSync } from 'node:fs';
import { definitionFiles } from './definitions.ts';

/** Writes the CustomResourceDefinitions; the difference is reviewed like code. */
for (const { path, text } of definitionFiles) writeFileSync(path, text);
