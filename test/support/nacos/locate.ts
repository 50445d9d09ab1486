import { locateNacos } from './programs.ts';

/** Builds the Nacos server of the tests if that has not been done yet, and prints where it is: one line of JSON. */

const programs = await locateNacos(process.env, (line) => process.stderr.write(`${line}\n`));
process.stdout.write(`${JSON.stringify(programs)}\n`);
