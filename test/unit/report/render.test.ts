import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/ledger/ledger.ts';
import type { Json, Result } from '../../../src/outcome/outcome.ts';
import { chartInSvg, inWords } from '../../../src/report/chart.ts';
import { type Chart, renderLine, renderPostmortem, renderReport, renderSummary } from '../../../src/report/report.ts';
import { hide } from '../../../src/secret/secret.ts';
import { NASTY } from './nasty.ts';
import { change, event } from './samples.ts';

/** A change whose every text from outside is the given one. */
function nastyChange(text: string): Change {
  const facts: Record<string, Json> = {
    [text]: text,
    list: [{ [text]: text, nested: { [text]: [text] } }],
    flag: true,
    mixed: [text, 1],
  };
  return change({
    id: text,
    environment: text,
    verb: text,
    version: text,
    digest: text,
    commit: text,
    holder: { kind: 'actions', repository: text, run: text, attempt: text, job: text, url: text, actor: text },
    opened: text,
    closed: text,
    outcome: 'failed',
    events: [
      { id: `o${text}`, at: text, kind: 'opened' },
      event(text, 'passed', { at: text, summary: text, why: text, facts }),
      event('deploy', 'passed', { summary: text, facts }),
      event('watch', 'failed', { code: 'metric-worse', summary: text, facts }),
      { id: `t${text}`, at: text, kind: 'turned-back', summary: text, why: text, outcome: 'passed' },
    ],
  });
}

function nastyChart(text: string): Chart {
  const points = [1, null, Number.NaN, 3].map((value, index) => ({ at: index * 1000, value }));
  return {
    metric: text,
    unit: text,
    points,
    reference: { level: 2, low: 1, high: 3 },
    marks: [{ at: 1500, label: text }],
    verdict: text,
  };
}

function nastyReport(text: string): string {
  return renderReport(nastyChange(text), {
    line: [text, 'deploy', 'watch', text],
    charts: [nastyChart(text)],
    plan: [{ stage: text, kind: 'blind', text }],
    places: [{ name: text, where: text }],
  });
}

const TAGS = new Set(
  'html head meta title style body main header footer section p b h1 h2 h3 span div dl dt dd a code table caption thead tbody tr th td ol li time details summary figure figcaption svg desc g circle text line path rect'.split(
    ' ',
  ),
);

/** A strict reading: every tag known, opened, closed, with attributes in double quotes; returns all tags and attributes. */
function readHtml(page: string): { tags: string[]; attributes: string[] } {
  const withoutStyle = page.replace(/<style>[^<]*<\/style>/, '');
  const open: string[] = [];
  const tags: string[] = [];
  const attributes: string[] = [];
  const rest = withoutStyle
    .replace(/^<!doctype html>/, '')
    .replace(/<(\/?)([a-z0-9]+)((?:\s+[a-zA-Z0-9-]+(?:="[^"<>]*")?)*)\s*(\/?)>/g, (_, end, tag, inside, self) => {
      expect(TAGS).toContain(tag);
      if (end) expect(open.pop()).toBe(tag);
      else if (!self && tag !== 'meta') open.push(tag);
      if (!end) tags.push(tag);
      attributes.push(...[...String(inside).matchAll(/([a-zA-Z0-9-]+)(?:="([^"]*)")?/g)].map(([, name]) => name!));
      return '';
    });
  expect(rest).not.toMatch(/[<>]/);
  expect(open).toEqual([]);
  return { tags, attributes };
}

describe('the report', () => {
  it.each(NASTY)('stays as it was built with %j everywhere', (text) => {
    const plain = readHtml(nastyReport('plain'));
    const nasty = readHtml(nastyReport(text));
    expect(nasty.attributes.filter((name) => name.startsWith('on'))).toEqual([]);
    expect(nasty.tags.filter((tag) => !plain.tags.includes(tag))).toEqual([]);
    expect(nasty.tags).not.toContain('a');
    expect(nastyReport(text)).not.toMatch(/NaN|undefined/);
  });

  it('loads and runs nothing', () => {
    const page = nastyReport('x');
    expect(page).toContain(`default-src 'none'; style-src 'unsafe-inline'`);
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|form)|url\(|@import|\ssrc=|\sstyle=/);
  });

  it('links to a run of GitHub, and only by https', () => {
    expect(renderReport(change())).toContain('href="https://github.com/acme/shop/actions/runs/8812"');
    const { holder } = change();
    expect(
      renderReport(change({ holder: { ...holder, url: 'javascript:alert(1)' } as Change['holder'] })),
    ).not.toContain('href');
  });

  it('tells the verdict first, what decided it, and what was not reached', () => {
    const events = [
      event('gate', 'passed'),
      event('deploy', 'passed', {
        facts: {
          hosts: [
            { host: 'web1', version: '1.2.0', healthy: true },
            { host: 'web2', seconds: 2.5 },
          ],
        },
      }),
      event('smoke-test', 'failed', { code: 'smoke-failed', summary: '3 of 4 checks passed' }),
    ];
    const page = renderReport(change({ outcome: 'failed', events }), {
      line: ['gate', 'deploy', 'smoke-test', 'watch'],
    });
    expect(page).toMatch(/<h1>1\.2\.0 to production <span class="badge bad">✕ failed<\/span>/);
    expect(page).toContain('<b>smoke-test</b>: 3 of 4 checks passed');
    expect(page).toContain('gate passed, deploy passed, smoke-test failed, watch not reached');
    expect(page).toMatch(
      /<th scope="col">host<\/th><th scope="col">version<\/th><th scope="col">healthy<\/th><th scope="col">seconds<\/th>/,
    );
    expect(page).toContain('<td>web2</td><td></td><td></td><td class="number">2.5</td>');
  });

  it('draws the way back only where there was one', () => {
    const events = [event('deploy', 'passed'), event('watch', 'failed')];
    expect(renderReport(change({ events }))).not.toContain('class="back"');
    expect(renderReport(change({ events: [...events, { ...event('', 'passed'), kind: 'turned-back' }] }))).toContain(
      'class="back"',
    );
  });

  it('hides secrets', () => {
    hide('correct-horse-battery');
    const page = renderReport(nastyChange('url https://u:correct-horse-battery@db'), {
      charts: [nastyChart('correct-horse-battery')],
    });
    expect(page).not.toContain('correct-horse-battery');
  });
});

describe('a chart', () => {
  it('breaks its line where no value came', () => {
    const svg = chartInSvg(nastyChart('x'), 'c');
    expect(/<path class="series" d="([^"]*)"/.exec(svg)![1]!.match(/M/g)).toHaveLength(2);
    expect(svg.match(/class="gap"/g)).toHaveLength(2);
    expect(svg).not.toContain('NaN');
  });

  it.each<[string, Partial<Chart>]>([
    ['no points', { points: [], marks: [] }],
    ['only silence', { points: [{ at: 1, value: null }] }],
    ['one point', { points: [{ at: 1, value: 5 }], marks: [], reference: null }],
    [
      'a flat line at nought',
      { points: [1, 2, 3].map((at) => ({ at, value: 0 })), reference: { level: 0, low: 0, high: 0 } },
    ],
    ['an endless interval', { reference: { level: 2, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY } }],
  ])('can be drawn with %s', (_, rest) => {
    expect(chartInSvg({ ...nastyChart('x'), ...rest }, 'c')).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('says in words what it shows', () => {
    expect(inWords(nastyChart('x'))).toBe(
      '2 values from 1 to 3, the last 3; 2 without an answer; expected 2, between 1 and 3; x at 00:00:01 UTC; verdict: x',
    );
  });
});

describe('the picture of the line for a summary', () => {
  it.each(NASTY)('has only labels from outside: %j', (text) => {
    const picture = renderLine(nastyChange(text), ['gate', text]);
    const lines = picture.trimEnd().split('\n');
    expect([lines[0], lines[1], lines.at(-1)]).toEqual(['```mermaid', 'flowchart LR', '```']);
    for (const line of lines.slice(2, -1)) {
      expect(line).toMatch(
        /^ {2}(s\d+\["[A-Za-z0-9 .,_#;-]*<br>[a-z0-9 #;]*"\]:::\w+|s\d+( --> s\d+)*|classDef \w+ [\w:#,]+)$/,
      );
    }
  });
});

describe('the draft of a post-mortem', () => {
  const incident = {
    id: 'I-1',
    change: 'c',
    opened: '2026-11-21T10:06:38Z',
    from: '1.2.0',
    to: '1.1.0',
    why: 'revenue fell',
  };
  const events = [
    event('gate', 'passed', { at: '2026-11-21T10:00:01Z' }),
    event('deploy', 'passed', { at: '2026-11-21T10:01:00Z' }),
    event('watch', 'failed', { at: '2026-11-21T10:06:30Z', summary: 'revenue fell to 41%' }),
    { ...event('', 'passed', { at: '2026-11-21T10:06:36Z', summary: 'back on 1.1.0' }), kind: 'turned-back' as const },
  ];

  it('writes what is known and asks the rest', () => {
    const draft = renderPostmortem(incident, change({ events, outcome: 'failed' }), {
      impact: ['37 orders were lost'],
    });
    expect(draft).toContain('production went from 1.1.0 to 1.2.0 and back. revenue fell.');
    expect(draft).toContain('| 10:06:30 | watch failed: revenue fell to 41% |');
    expect(draft).toContain('- 37 orders were lost');
    expect(draft).toContain('- back on 1.1.0, 6.0 s after that.');
    expect(draft).toContain('live for 5 min 36 s');
    expect(draft).toContain('1. Why did this happen: revenue fell to 41%?');
    expect(draft.match(/^\d\. Why/gm)).toHaveLength(5);
    expect(draft).toContain('where gate, deploy passed for 1.2.0');
    expect(draft).toContain('- [ ] A new test for this bug');
    expect(draft.match(/^## .*$/gm)).toHaveLength(7);
  });

  it('tells the events of related changes too, in their order', () => {
    const rollback = change({ events: [event('rollback', 'passed', { at: '2026-11-21T10:06:33Z' })] });
    const draft = renderPostmortem(incident, change({ events }), { related: [rollback] });
    expect(draft).toMatch(/10:06:30 \| watch failed.*\n\| 10:06:33 \| rollback passed.*\n\| 10:06:36/);
  });

  it('can be written of nothing', () => {
    const draft = renderPostmortem(
      { ...incident, from: null, to: null, why: '' },
      change({ events: [], version: null }),
    );
    expect(draft).toContain('The ledger holds no events.');
    expect(draft).not.toMatch(/undefined|null|NaN/);
  });

  it.each(NASTY)('stays as it was built with %j everywhere', (text) => {
    const all = { id: text, change: text, opened: text, from: text, to: text, why: text };
    const draft = renderPostmortem(all, nastyChange(text), { impact: [text] });
    expect(draft.match(/^#+ /gm)).toHaveLength(8);
    expect(draft).not.toMatch(/^```/m);
    expect(draft).not.toMatch(/NaN|undefined/);
    expect(draft.replace(/\\./g, '')).not.toMatch(/[<>`]|\]\(|!\[/);
  });
});

describe('the summary of a job', () => {
  const result: Result = {
    outcome: 'failed',
    code: 'metric-worse',
    summary: 'revenue | fell',
    facts: {},
    next: 'read <it>',
    markdown: '| a |\n| --- |\n| b |\n',
  };

  it('has outcome, code, summary, next, picture and the own words of the stage', () => {
    const text = renderSummary('watch', result, { change: change({ events: [event('watch', 'failed')] }) });
    expect(text).toMatch(
      /^## ✕ watch: failed \(`metric-worse`\)\n\nrevenue \\\| fell\n\n_A critical metric got worse\._\n\n\*\*Next:\*\* read \\<it\\>\n\n```mermaid\n/,
    );
    expect(text).toContain('| b |');
    expect(renderSummary('gate', { outcome: 'passed', code: 'ok', summary: 'fine', facts: {} })).toBe(
      '## ✓ gate: passed (`ok`)\n\nfine\n',
    );
  });

  it('keeps within 1 MiB, in whole lines', () => {
    const text = renderSummary('watch', { ...result, markdown: '| ü |\n'.repeat(400_000) });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 * 1024);
    expect(text).toMatch(/\| ü \|\n\n\(cut off here: a job summary holds 1 MiB\)\n$/);
  });
});
