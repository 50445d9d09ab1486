import { readFileSync } from 'node:fs';

/** Prints `N passed, N failed, N skipped` over the test report and the steps around it; exits non-zero when anything failed. */

interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
}

function readReport(path: string): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestReport;
  } catch {
    return undefined;
  }
}

const [path = '', stepsPassed = '0', stepsFailed = '0'] = process.argv.slice(2);
const report = readReport(path);
const passed = Number(stepsPassed) + (report?.numPassedTests ?? 0);
const failed = Number(stepsFailed) + (report?.numFailedTests ?? 1);
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
if (report === undefined) console.log('The test run left no report.');
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
