import { writeFileSync } from 'node:fs';
import { env, stderr } from 'node:process';
import { locateControlPlane } from '../../test/support/api-server/programs.ts';
import { manifestsFile, plainManifests } from '../manifests/manifests.ts';
import { generatedFiles } from './generated.ts';
import { renderChart } from './helm.ts';

/** Writes what is made of the chart and for it; the difference is reviewed like code. */
for (const { path, text } of generatedFiles) writeFileSync(path, text);
const { helm = 'helm' } = await locateControlPlane(env, (line) => void stderr.write(`${line}\n`));
writeFileSync(manifestsFile, plainManifests(await renderChart(helm)));
