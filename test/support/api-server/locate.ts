import { locateControlPlane } from './programs.ts';

/** Builds the programs of a control plane if that has not been done yet, and prints where they are: one line of JSON. */

const programs = await locateControlPlane(process.env, (line) => process.stderr.write(`${line}\n`));
process.stdout.write(`${JSON.stringify(programs)}\n`);
