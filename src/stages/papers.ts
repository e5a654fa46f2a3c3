/** The papers of a change: the report, and the draft of a post-mortem where there is an incident. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Incident } from '../ledger/ledger.ts';
import type { Chart, Result } from '../outcome/outcome.ts';
import { renderPostmortem, renderReport, renderSummary } from '../report/report.ts';
import { redact } from '../secret/secret.ts';
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
  found: { results: readonly Result[]; incident: Incident | null },
): Promise<Papers> {
  const change = context.change!;
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

/** The job summary of one stage. */
export function stageSummary(verb: string, result: Result): string {
  return renderSummary(verb, result);
}
