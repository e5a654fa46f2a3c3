/** The papers of a change: the report, and the draft of a post-mortem where there is an incident. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change, Incident } from '../../ledger/ledger.ts';
import type { Chart, Outcome, Result } from '../../outcome/outcome.ts';
import { renderPostmortem, renderReport, renderSummary } from '../../report/report.ts';
import { redact } from '../../secret/secret.ts';
import type { Verb } from '../contract.ts';
import { LINE } from '../line.ts';
import type { StageContext } from '../stage.ts';

/** Where the papers lie. */
export interface Papers {
  report: string;
  /** Null where there is no incident. */
  postmortem: string | null;
}

/** Writes the papers of the context's change from what its stages found. */
export async function writePapers(
  context: Pick<StageContext<Verb>, 'change' | 'place'>,
  found: { results: readonly Result[]; incident: Incident | null; outcome: Outcome },
): Promise<Papers> {
  // The change is closed only at the end of the job; its papers already say how it went.
  const change = { ...context.change!, outcome: found.outcome, closed: new Date().toISOString() };
  const directory = join(context.place.reports, change.environment, change.id);
  await mkdir(directory, { recursive: true });
  // What decided comes first.
  const charts = found.results.toReversed().flatMap((result): Chart[] => result.charts ?? []);
  const report = join(directory, 'report.html');
  await writeFile(report, redact(renderReport(change, { charts, line: LINE })));
  if (!found.incident) return { report, postmortem: null };
  const impact = found.results.flatMap((result) => result.impact ?? []);
  const postmortem = join(directory, 'postmortem.md');
  await writeFile(postmortem, redact(renderPostmortem(found.incident, change, { impact })));
  return { report, postmortem };
}

/**
 * The job summary of one stage; with `change` also the picture of its line. The draft of a post-mortem stands in it,
 * because a runner and its files are gone after the job.
 */
export async function stageSummary(title: string, result: Result, change: Change | null): Promise<string> {
  const summary = renderSummary(title, result, change ? { change, line: LINE } : {});
  const { postmortem } = result.facts;
  const draft = typeof postmortem === 'string' ? await readFile(postmortem, 'utf8').catch(() => null) : null;
  return draft === null
    ? summary
    : `${summary}\n<details><summary>The draft of the post-mortem</summary>\n\n${draft}\n</details>\n`;
}
