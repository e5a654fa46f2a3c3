/** The draft of a post-mortem: what is known is written, what only people know is asked. Pure. */
import { inWords } from '../duration/duration.ts';
import { escapeMarkdown, markdownTable } from '../escape/escape.ts';
import type { Change, Incident } from '../ledger/ledger.ts';
import { clock, moment } from './figures.ts';
import { between, type Moment, timelineOf, verdictOf } from './story.ts';

/** What a draft says beside the change and the incident. */
export interface PostmortemExtra {
  /** Other changes whose events belong to the story, such as the rollback that a person started. */
  related?: readonly Change[];
  /** What users and business lost, a sentence each, with its number and how it was measured. */
  impact?: readonly string[];
}

/** A Markdown draft. Everything from outside is escaped. */
export function renderPostmortem(incident: Incident, change: Change, extra: PostmortemExtra = {}): string {
  const moments = timelineOf(change, ...(extra.related ?? []));
  const parts: [string, string][] = [
    ['What happened', whatHappened(incident, change, moments)],
    ['Impact', impact(extra.impact ?? [])],
    ['What turned it back, and how fast', wayBack(incident, change)],
    ['Why, five times', fiveWhys(incident, change)],
    ['What went well', '- '],
    ['Where we got lucky', '- '],
    ['Actions', actions()],
  ];
  const title = `# Post-mortem: ${escapeMarkdown(change.version ?? change.verb)} in ${escapeMarkdown(change.environment)}`;
  const head = `Incident ${escapeMarkdown(incident.id)}, opened ${escapeMarkdown(moment(incident.opened))}. A draft, written from the ledger; nobody is to blame.`;
  return [title, head, ...parts.map(([name, text]) => `## ${name}\n\n${text}`), ''].join('\n\n');
}

function whatHappened(incident: Incident, change: Change, moments: readonly Moment[]): string {
  const rows = moments.map(({ at, text, took }) => [clock(at), text, took === null ? '' : inWords(took)]);
  const way = `${change.environment} went from ${incident.to ?? 'no version'} to ${incident.from ?? 'no version'} and back.`;
  const table = markdownTable(['UTC', 'what', 'took'], rows);
  return `${escapeMarkdown(way)} ${escapeMarkdown(sentence(incident.why))}\n\n${table || 'The ledger holds no events.'}`.trim();
}

function impact(lines: readonly string[]): string {
  if (lines.length === 0) return 'No number was measured. Write here who was affected, how, and how you know.';
  return lines.map((line) => `- ${escapeMarkdown(line)}`).join('\n');
}

function wayBack(incident: Incident, change: Change): string {
  const { decidedBy, turnedBack } = verdictOf(change);
  const lines: string[] = [];
  if (decidedBy)
    lines.push(
      `${decidedBy.stage ?? 'A stage'} said ${decidedBy.outcome}: ${decidedBy.summary ?? decidedBy.code ?? ''}`,
    );
  if (turnedBack) {
    const after = between(decidedBy?.at, turnedBack.at);
    const since = after === null ? '' : `, ${inWords(after)} after that`;
    lines.push(`${turnedBack.summary ?? 'The change was turned back'}${since}`);
    // A deploy that failed had put its hosts back before it ended: how long they served is not known from here.
    const deployed = change.events.findLast(
      (event) => event.kind === 'stage' && event.stage === 'deploy' && event.outcome === 'passed',
    );
    const live = between(deployed?.at, turnedBack.at);
    if (live !== null) lines.push(`The version had been live for ${inWords(live)} when it was gone again`);
  }
  if (lines.length === 0) lines.push(`A person turned it back: ${incident.why}`);
  return lines.map((line) => `- ${escapeMarkdown(sentence(line))}`).join('\n');
}

/** The method of the five whys (Ohno, Toyota Production System, 1978): each answer is the next question's subject. */
function fiveWhys(incident: Incident, change: Change): string {
  const { decidedBy } = verdictOf(change);
  const fact = decidedBy?.summary ?? incident.why;
  const version = change.version ?? 'the change';
  const before = change.events.filter((event) => event.kind === 'stage' && event.outcome === 'passed' && event.stage);
  const passed = [...new Set(before.map((event) => event.stage!))].join(', ') || 'no stage';
  return [
    `Why did this happen: ${fact.replace(/[.?]+$/, '')}?`,
    'Why was that so?',
    `Why did it not show before production, where ${passed} passed for ${version}?`,
    'Why was there no test for it?',
    'Why does the way we work let that be?',
  ]
    .map((question, index) => `${index + 1}. ${escapeMarkdown(question)}\n   - `)
    .join('\n');
}

function actions(): string {
  const test = '- [ ] A new test for this bug, which fails on the version that was turned back';
  return `${test}\n\n| action | owner | until |\n| --- | --- | --- |\n|  |  |  |`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
