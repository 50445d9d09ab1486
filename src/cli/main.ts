import { processHost } from '../app/host.ts';
import { run } from './run.ts';

process.exitCode = await run(processHost());
