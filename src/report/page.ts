/** The report of a change: one HTML file that needs nothing else, for reading, keeping and printing. Pure. */
import { inWords } from '../duration/duration.ts';
import type { Change, LedgerEvent } from '../ledger/ledger.ts';
import { type Chart, CODES } from '../outcome/outcome.ts';
import { chartInSvg } from './chart.ts';
import { factsInHtml } from './facts.ts';
import { clock, LOOKS, moment } from './figures.ts';
import { Html, html } from './html.ts';
import { between, holderInWords, type Station, stationsOf, timelineOf, type Verdict, verdictOf } from './story.ts';
import { STYLE } from './style.ts';
import { trackInSvg } from './track.ts';

/** What a report shows beside the change itself. */
export interface ReportExtra {
  /** The stages of the line in their order, so that those not reached are shown; those of the change by default. */
  line?: readonly string[];
  /** One for each watched metric; the deciding one first. */
  charts?: readonly Chart[];
  /** What was planned, where it was only a plan or said what could not be judged. */
  plan?: readonly { stage: string; kind: 'will' | 'blind' | 'obstacle'; text: string }[];
  /** Where things lie: the ledger, the backup, the draft of the post-mortem. */
  places?: readonly { name: string; where: string }[];
}

/** The whole page. It loads nothing, runs nothing, and holds no text from outside that is not escaped. */
export function renderReport(change: Change, extra: ReportExtra = {}): string {
  const verdict = verdictOf(change);
  const stations = stationsOf(change, extra.line ?? []);
  const title = `${change.version ?? change.verb} to ${change.environment}: ${verdict.word}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${title}</title><style>${new Html(STYLE)}</style></head>
<body><main>
${header(change, verdict)}
${stations.length > 0 ? html`<h2>The line</h2><div class="scroll">${new Html(trackInSvg(stations, verdict.turnedBack !== null))}</div>` : null}
${reason(verdict)}
${charts(extra.charts ?? [])}
${timeline(change)}
${details(stations)}
${plan(extra.plan ?? [])}
${places(extra.places ?? [])}
<footer>Written by Changeline from the ledger. Times are UTC.</footer>
</main></body></html>
`.text;
}

function header(change: Change, verdict: Verdict): Html {
  const { tone, sign } = LOOKS[verdict.word === 'turned back' ? 'failed' : (verdict.outcome ?? 'none')];
  const span = between(change.opened, change.closed);
  const facts: [string, string | Html | null][] = [
    ['opened', moment(change.opened)],
    ['took', span === null ? 'still open' : inWords(span)],
    ['by', byWhom(change)],
    ['change', html`<code>${change.id}</code>`],
    ['commit', change.commit && html`<code>${change.commit.slice(0, 12)}</code>`],
    ['artifact', change.digest && html`<code>${change.digest.slice(0, 19)}…</code>`],
  ];
  return html`<header><p class="brand">Changeline</p>
<h1>${change.version ?? change.verb} to ${change.environment} <span class="badge ${tone}">${sign} ${verdict.word}</span></h1>
<dl class="head">${facts.map(([name, value]) => value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></header>`;
}

function byWhom({ holder }: Change): Html {
  const words = holderInWords(holder);
  const safe = holder.kind === 'actions' && /^https:\/\//.test(holder.url);
  return safe ? html`<a href="${holder.url}" rel="noreferrer">${words}</a>` : html`${words}`;
}

function reason({ decidedBy, turnedBack }: Verdict): Html | null {
  if (decidedBy === null) return null;
  const { tone } = LOOKS[decidedBy.outcome ?? 'none'];
  return html`<section class="panel ${tone}"><p class="lead"><b>${decidedBy.stage ?? ''}</b>: ${decidedBy.summary ?? decidedBy.outcome ?? ''}</p>
${decidedBy.code ? html`<p class="soft">${CODES[decidedBy.code] ?? ''} <code>${decidedBy.code}</code></p>` : null}
${turnedBack?.summary ? html`<p>${turnedBack.summary}</p>` : null}</section>`;
}

function charts(all: readonly Chart[]): Html | null {
  if (all.length === 0) return null;
  const figures = all.map(
    (
      chart,
      index,
    ) => html`<figure><figcaption><b>${chart.metric}</b>${chart.unit ? ` in ${chart.unit}` : ''}: ${chart.verdict}</figcaption>
${new Html(chartInSvg(chart, `chart-${index}`))}</figure>`,
  );
  return html`<h2>What was watched</h2><p class="soft">The shaded band is where values were expected, the dashed line the level before. A cross at the foot is a question without an answer.</p>${figures}`;
}

function timeline(change: Change): Html {
  const moments = timelineOf(change).map(({ at, text, outcome, took }) => {
    const { tone, sign } = LOOKS[outcome ?? 'none'];
    return html`<li><time datetime="${at}">${clock(at)}</time><span class="${tone}" aria-hidden="true">${sign || '·'}</span><span class="text">${text}</span><span class="took">${took === null ? '' : inWords(took)}</span></li>`;
  });
  return html`<h2>Timeline</h2>${moments.length > 0 ? html`<ol class="timeline">${moments}</ol>` : html`<p class="soft">Nothing has happened yet.</p>`}`;
}

function details(stations: readonly Station[]): Html | null {
  const told = stations.flatMap(({ verb, event }) => (event ? [{ verb, event }] : []));
  if (told.length === 0) return null;
  return html`<h2>Stage by stage</h2>${told.map(({ verb, event }) => stage(verb, event))}`;
}

function stage(verb: string, event: LedgerEvent): Html {
  const { tone, sign, word } = LOOKS[event.outcome ?? 'none'];
  const facts = factsInHtml(event.facts ?? {});
  const open = tone === 'bad' || tone === 'unsure' ? new Html(' open') : null;
  return html`<details${open}><summary><span class="${tone}">${sign} ${word}</span> <b>${verb}</b> ${event.summary ?? ''}</summary>
${event.why ? html`<p>Why: ${event.why}</p>` : null}${facts ?? html`<p class="soft">No facts were recorded.</p>`}</details>`;
}

const KINDS = { will: 'would be done', blind: 'could not be judged', obstacle: 'in the way' } as const;

function plan(lines: NonNullable<ReportExtra['plan']>): Html | null {
  if (lines.length === 0) return null;
  const rows = lines.map(
    ({ stage: verb, kind, text }) => html`<tr><th scope="row">${verb}</th><td>${KINDS[kind]}</td><td>${text}</td></tr>`,
  );
  return html`<h2>The plan</h2><div class="scroll"><table><tbody>${rows}</tbody></table></div>`;
}

function places(all: NonNullable<ReportExtra['places']>): Html | null {
  if (all.length === 0) return null;
  const rows = all.map(({ name, where }) => html`<tr><th scope="row">${name}</th><td><code>${where}</code></td></tr>`);
  return html`<h2>Where things lie</h2><div class="scroll"><table><tbody>${rows}</tbody></table></div>`;
}
