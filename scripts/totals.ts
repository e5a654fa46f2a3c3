/** The totals of a test run, from the JSON report of vitest: `N passed, N failed[, N skipped]`. */
import { readFileSync } from 'node:fs';

interface Report {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
}

/** A run without a readable report counts as one failure, and so does a file that could not be loaded. */
export function totalsOf(path: string): { line: string; failed: number } {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return { line: '0 passed, 1 failed', failed: 1 };
  }
  return totals(report);
}

/** Adds up. What failed outside any test, such as an error after the last one, is one failure too. */
export function totals(report: Report): { line: string; failed: number } {
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const counted = report.numFailedTests + unloaded.length;
  const failed = counted === 0 && !report.success ? 1 : counted;
  const skipped = report.numPendingTests + report.numTodoTests;
  return {
    line: `${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
    failed,
  };
}

if (import.meta.main) console.log(totalsOf(process.argv[2] ?? '').line);
