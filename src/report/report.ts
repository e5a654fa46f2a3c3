/** What people read: the report of a change, the draft of a post-mortem, the summary of a job. Pure. */
export type { Chart } from '../outcome/outcome.ts';
export { type ReportExtra, renderReport } from './page.ts';
export { type PostmortemExtra, renderPostmortem } from './postmortem.ts';
export { renderLine, renderSummary, type SummaryExtra } from './summary.ts';
