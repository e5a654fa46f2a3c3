/** The papers of a change: the report, and the draft of a post-mortem where there is an incident. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change, Incident } from '../ledger/ledger.ts';
import type { Chart, Outcome, Result } from '../outcome/outcome.ts';
import { renderPostmortem, renderReport, renderSummary } from '../report/report.ts';
import { redact } from '../secret/secret.ts';
import type { Verb } from './contract.ts';
import { LINE } from './line.ts';
import type { StageContext } from './stage.ts';

/** Where the papers lie. */
export interface Papers {
  report: string;
  /** Null where there is no incident. */
  postmortem: string | null;
}

/** Writes the papers of the context's change from what its stages found. */
export async function writePapers(
  context: StageContext<'deliver' | 'rollback'>,
  found: { results: readonly Result[]; incident: Incident | null; outcome: Outcome },
): Promise<Papers> {
  // The change is closed only at the end of the job; its papers already say how it went.
  const change = { ...context.change!, outcome: found.outcome, closed: new Date().toISOString() };
  const directory = join(context.place.reports, change.environment, change.id);
  await mkdir(directory, { recursive: true });
  const charts = found.results.flatMap((result): Chart[] => result.charts ?? []);
  const report = join(directory, 'report.html');
  await writeFile(report, redact(renderReport(change, { charts, line: LINE })));
  if (!found.incident) return { report, postmortem: null };
  const impact = found.results.flatMap((result) => result.impact ?? []);
  const postmortem = join(directory, 'postmortem.md');
  await writeFile(postmortem, redact(renderPostmortem(found.incident, change, { impact })));
  return { report, postmortem };
}

/** The job summary of one stage; of the whole line with its picture. */
export function stageSummary(verb: Verb, result: Result, change: Change | null): string {
  return renderSummary(verb, result, verb === 'deliver' ? { change, line: LINE } : {});
}
