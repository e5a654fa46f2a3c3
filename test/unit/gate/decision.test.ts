import { describe, expect, it } from 'vitest';
import type { GateSection } from '../../../src/config/config.ts';
import { gateSchema } from '../../../src/config/control.ts';
import {
  type Decision,
  decide,
  decisionsInMarkdown,
  differs,
  type Frozen,
  undecided,
} from '../../../src/gate/decision.ts';
import type { Check } from '../../../src/gate/evidence.ts';
import type { Head, PullRequest, Review } from '../../../src/gate/pull.ts';
import type { Verdict } from '../../../src/gate/verdict.ts';
import type { Override } from '../../../src/ledger/ledger.ts';
import { Failure } from '../../../src/outcome/outcome.ts';
import { NASTY } from '../report/nasty.ts';
import { HEAD, verdict } from './verdicts.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

function red(name = 'build', by: string | null = 'hubot'): Verdict {
  const at = '2026-11-20T10:02:03Z';
  const check: Check = { name, state: 'red', said: 'failure', at, by, url: 'https://github.com/j/1', job: 1 };
  return verdict({ state: 'red', open: false, headIs: 'red', red: [check], by, since: at });
}

const closed = { open: false, judged: null } as const;
const unknown = verdict({ ...closed, state: 'unknown', headIs: 'absent' });
const first = verdict({ ...closed, state: 'unknown', headIs: 'absent', waits: true });
const pending = verdict({ ...closed, state: 'pending', headIs: 'pending' });

const approved: Review = { by: 'hubot', state: 'APPROVED', sha: HEAD, counts: true };

function pull(number: number, reviews: Review[] = [approved], more: Partial<PullRequest> = {}): PullRequest {
  return {
    number,
    title: `A change ${number}`,
    author: 'octocat',
    draft: false,
    mergeable: true,
    autoMerge: false,
    approved: false,
    updated: '2026-11-21T10:00:00Z',
    files: 1,
    additions: 1,
    deletions: 0,
    details: { headBy: null, reviews, closes: [], paths: null, checks: [] },
    ...more,
  };
}

function head(pulls: PullRequest[] = [pull(12)], more: Partial<Head> = {}): Head {
  return { sha: HEAD, pulls, inQueue: false, status: null, ...more };
}

function frozen(more: Partial<Frozen> = {}): Frozen {
  const until = '2026-11-23T08:00:00Z';
  const inWords = 'production is frozen until Mon 23 Nov 08:00 UTC: no weekend releases (octocat)';
  return { environment: 'production', why: 'no weekend releases', owner: 'octocat', until, inWords, ...more };
}

function override(pull: number, more: Partial<Override> = {}): Override {
  const [since, until] = ['2026-11-21T11:00:00Z', '2026-11-21T18:00:00Z'];
  return { id: `o${pull}`, pull, comment: `IC_${pull}`, by: 'mona', why: 'it is the fix', since, until, ...more };
}

const RULES: GateSection = gateSchema.parse({ review: {} });

function decided(given: Partial<Parameters<typeof decide>[0]> = {}): Decision {
  return decide({ verdict: verdict(), freezes: [], head: head(), section: RULES, overrides: [], now: NOW, ...given });
}

const brief = (given: Parameters<typeof decided>[0]) => {
  const { state, code, description } = decided(given);
  return [state, code, description];
};

const RED = 'main is red: "build" failed at 1111111, pushed by hubot, since 2026-11-20 10:02 UTC';
const FROZEN = 'production is frozen until Mon 23 Nov 08:00 UTC: no weekend releases (octocat)';
const MISSING = '0 of 1 approvals by others at 1111111';

describe('what is written', () => {
  it.each([
    ['nothing stands against it', {}, ['success', 'gate-open', 'main is green']],
    ['main is red', { verdict: red() }, ['failure', 'gate-red', RED]],
    ['main was never judged', { verdict: unknown }, ['failure', 'gate-unknown', expect.stringContaining('Not known')]],
    ['main is judged for the first time', { verdict: pending }, ['pending', 'gate-unknown', expect.any(String)]],
    ['the first check may still come', { verdict: first }, ['pending', 'gate-unknown', expect.any(String)]],
    ['a freeze is on', { freezes: [frozen()] }, ['failure', 'frozen', FROZEN]],
    ['a rule is not kept', { head: head([pull(12, [])]) }, ['failure', 'review-missing', MISSING]],
    [
      'it is red, frozen and not reviewed',
      { verdict: red(), freezes: [frozen()], head: head([pull(12, [])]) },
      ['failure', 'gate-red', RED],
    ],
    [
      'it is frozen and not reviewed',
      { freezes: [frozen()], head: head([pull(12, [])]) },
      ['failure', 'frozen', FROZEN],
    ],
    ['two freezes are on', { freezes: [frozen(), frozen()] }, ['failure', 'frozen', `${FROZEN} (and 1 more)`]],
    [
      'no section asks for a review',
      { section: null, head: head([pull(12, [])]) },
      ['success', 'gate-open', 'main is green'],
    ],
    ['main is red without a section', { section: null, verdict: red() }, ['failure', 'gate-red', RED]],
  ])('where %s', (_, given, expected) => expect(brief(given)).toEqual(expected));

  it('is the same whichever commit of main was judged, or every merge would write every status anew', () => {
    const other = verdict({ judged: '3'.repeat(40), head: '4'.repeat(40), distance: 3, headIs: 'absent' });
    expect(brief({ verdict: other })).toEqual(brief({}));
  });

  it('keeps all that was found', () => {
    const { findings } = decided({ verdict: red(), freezes: [frozen()], head: head([pull(12, [])]) });
    expect(findings.map(({ code }) => code)).toEqual(['gate-red', 'frozen', 'review-missing']);
    expect(findings.every(({ next }) => next.length > 0)).toBe(true);
  });

  it('waits for a check that still runs, and fails where something else is missing too', () => {
    const section = gateSchema.parse({ evidence: ['test'], review: {} });
    const check: Check = { name: 'test', state: 'pending', said: 'queued', at: null, by: null, url: null, job: null };
    const details = { headBy: null, reviews: [approved], closes: [], paths: null, checks: [check] };
    const running = head([pull(12, [], { details })]);
    expect(brief({ section, head: running })).toEqual(['pending', 'evidence-missing', '"test" still runs on 1111111']);
    const both = head([pull(12, [], { details: { ...details, reviews: [] } })]);
    expect(brief({ section, head: both })).toEqual(['failure', 'review-missing', MISSING]);
  });

  it('names warnings where there is room', () => {
    const section = gateSchema.parse({ size: { files: 5 } });
    const large = head([pull(12, [], { files: 80 })]);
    expect(brief({ section, head: large })).toEqual([
      'success',
      'gate-open',
      'main is green; large: 80 files (over 5)',
    ]);
  });
});

describe('a head of several pull requests', () => {
  it('gets the worst, named', () => {
    const against: Review = { by: 'mona', state: 'CHANGES_REQUESTED', sha: HEAD, counts: true };
    const shared = head([pull(12), pull(13, [against]), pull(14)]);
    expect(brief({ head: shared })).toEqual(['failure', 'review-missing', '#13: changes requested by mona']);
  });

  it('names what failed before what is missing', () => {
    const section = gateSchema.parse({ evidence: ['test'], review: {} });
    const check: Check = { name: 'test', state: 'red', said: 'failure', at: null, by: null, url: null, job: null };
    const bad = pull(14, [], {
      details: { headBy: null, reviews: [approved], closes: [], paths: null, checks: [check] },
    });
    const good = { ...check, state: 'green', said: 'success' } as const;
    const bare = pull(13, [], { details: { headBy: null, reviews: [], closes: [], paths: null, checks: [good] } });
    expect(decided({ section, head: head([bare, bad]) }).description).toBe(
      '#14: "test" is not green on 1111111: failure',
    );
  });
});

describe('in the queue', () => {
  const queued = head([pull(12, [])], { inQueue: true });
  it.each([
    ['red', { verdict: red() }, 'pending', 'gate-red'],
    ['unknown', { verdict: unknown }, 'pending', 'gate-unknown'],
    ['frozen', { freezes: [frozen()] }, 'pending', 'frozen'],
    ['green, whatever the rules say', {}, 'success', 'gate-open'],
  ])('nothing fails while it is %s', (_, given, state, code) => {
    const { description: _description, ...decision } = decided({ ...given, head: queued });
    expect([decision.state, decision.code]).toEqual([state, code]);
  });

  it('a group whose pull requests are not known is let in by no override', () => {
    const bare = head([], { inQueue: true });
    expect(decided({ verdict: red(), head: bare, overrides: [override(12)] }).state).toBe('pending');
    expect(decided({ head: bare }).state).toBe('success');
  });
});

describe('an override', () => {
  const LET_IN = 'let in by mona until 2026-11-21 18:00 UTC: it is the fix';
  const shared = head([pull(12), pull(13, [])]);
  it.each([
    ['against red', { verdict: red() }, [override(12)], 'success'],
    ['against a freeze', { freezes: [frozen()] }, [override(12)], 'success'],
    ['against a rule', { head: head([pull(12, [])]) }, [override(12)], 'success'],
    ['against what is not known', { verdict: unknown }, [override(12)], 'success'],
    ['that is over', { verdict: red() }, [override(12, { until: '2026-11-21T12:00:00Z' })], 'failure'],
    ['whose end is none', { verdict: red() }, [override(12, { until: 'tomorrow' })], 'failure'],
    ['of another pull request', { verdict: red() }, [override(13)], 'failure'],
    ['of one of two while red', { verdict: red(), head: shared }, [override(12)], 'failure'],
    ['of both while red', { verdict: red(), head: shared }, [override(12), override(13)], 'success'],
    ['of the one that keeps the rules', { head: shared }, [override(12)], 'failure'],
    ['of the one that does not', { head: shared }, [override(13)], 'success'],
    ['in the queue', { verdict: red(), head: head([pull(12)], { inQueue: true }) }, [override(12)], 'success'],
    [
      'of the second of a group in the queue',
      { verdict: red(), head: head([pull(11), pull(12)], { inQueue: true }) },
      [override(12)],
      'pending',
    ],
  ])('%s', (_, given, overrides, state) => expect(decided({ ...given, overrides }).state).toBe(state));

  it('is said, with who, until when and why', () => {
    const decision = decided({ verdict: red(), overrides: [override(12)] });
    expect(decision.description).toBe(LET_IN);
    expect(decision.override).toEqual({ by: 'mona', why: 'it is the fix', until: '2026-11-21T18:00:00Z' });
    expect(decision.code).toBe('gate-red');
  });

  it('that lasts longest counts for a pull request, the one that ends first for the head', () => {
    const overrides = [
      override(12, { until: '2026-11-21T13:00:00Z', why: 'short' }),
      override(12, { until: '2026-11-21T20:00:00Z', why: 'long' }),
      override(13, { until: '2026-11-21T19:00:00Z', why: 'other' }),
    ];
    expect(decided({ verdict: red(), head: shared, overrides }).override?.why).toBe('other');
  });

  it('leaves the others of the head as the reason', () => {
    const both = head([pull(12, []), pull(13, [])]);
    expect(decided({ head: both, overrides: [override(12)] }).description).toBe(`#13: ${MISSING}`);
  });

  it('is not said where none is needed', () => expect(decided({ overrides: [override(12)] }).override).toBeNull());
});

describe('observe', () => {
  const section = gateSchema.parse({ observe: true, review: {} });
  it.each([
    ['red', { verdict: red() }, `would be blocked: ${RED}`],
    ['frozen', { freezes: [frozen()] }, `would be blocked: ${FROZEN}`],
    ['not reviewed', { head: head([pull(12, [])]) }, `would be blocked: ${MISSING}`],
    ['pending', { verdict: pending }, expect.stringMatching(/^would be blocked: /)],
    ['in the queue', { verdict: red(), head: head([pull(12)], { inQueue: true }) }, `would be blocked: ${RED}`],
    ['fine', {}, 'main is green'],
  ])('blocks nothing: %s', (_, given, description) => {
    const decision = decided({ ...given, section });
    expect([decision.state, decision.description]).toEqual(['success', description]);
  });
});

describe('the description', () => {
  const LONG = [
    ...NASTY,
    'x'.repeat(300),
    '😀'.repeat(200),
    `${'y'.repeat(61)}👩‍👩‍👧‍👦${'z'.repeat(100)}`,
    '\ud83d',
    'a\u202eb',
  ];
  const all = LONG.flatMap((text): [string, Decision][] => {
    const rules = gateSchema.parse({ evidence: [text || 'x'], observe: text.length % 2 === 1 });
    const by: Review = { by: text, state: 'CHANGES_REQUESTED', sha: HEAD, counts: true };
    const inWords = `${text} is frozen: ${text} (${text})`;
    const nasty = head([pull(12, [by], { title: text }), pull(13, [by])]);
    const until = null;
    return [
      [`red ${text}`, decided({ verdict: { ...red(text, text), branch: text } })],
      [`frozen ${text}`, decided({ freezes: [frozen({ why: text, owner: text, environment: text, inWords, until })] })],
      [`against ${text}`, decided({ head: nasty })],
      [`evidence ${text}`, decided({ section: rules, head: nasty })],
      [`override ${text}`, decided({ verdict: red(), overrides: [override(12, { by: text, why: text })] })],
      [`green ${text}`, decided({ verdict: verdict({ branch: text }) })],
    ];
  });

  it.each(all)('%j', (_, { description }) => {
    expect(description.length).toBeLessThanOrEqual(140);
    expect(description.length).toBeGreaterThan(0);
    expect(description).not.toMatch(UNSEEN);
    expect(description.isWellFormed()).toBe(true);
  });

  it('of a freeze cuts the reason, never the end and whom to ask', () => {
    const why = 'the shop sells tickets '.repeat(20);
    const inWords = `production is frozen until Mon 23 Nov 08:00 Europe/Lisbon: ${why} (octocat)`;
    const { description } = decided({ freezes: [frozen({ why, inWords })] });
    expect(description).toMatch(/^production is frozen until 2026-11-23 08:00 UTC \(octocat\): the shop sells .*…$/);
  });

  it('cuts no emoji in two', () => {
    const why = `${'x'.repeat(90)}👩‍👩‍👧‍👦${'z'.repeat(100)}`;
    const { description } = decided({ verdict: red(), overrides: [override(12, { why })] });
    expect(description).toMatch(/x…$/);
  });
});

describe('a status is written where', () => {
  const decision = decided({});
  it.each([
    ['there is none', null, true],
    ['the state is another', { state: 'failure', description: decision.description, at: '' } as const, true],
    ['the words are others', { state: 'success', description: 'main is green at 1', at: '' } as const, true],
    ['neither', { state: 'success', description: decision.description, at: '' } as const, false],
  ])('%s', (_, status, expected) => expect(differs(head([], { status }), decision)).toBe(expected));
});

describe('the table', () => {
  const one = (given: Parameters<typeof decided>[0]) => ({ head: given?.head ?? head(), decision: decided(given) });

  it('is empty where there is nothing to say', () => expect(decisionsInMarkdown([one({})])).toBe(''));

  it('tells of every head that something stands against, what is blocked first', () => {
    const table = decisionsInMarkdown([
      one({ verdict: red(), head: head([pull(1)]), overrides: [override(1)] }),
      one({ verdict: red(), head: head([pull(2)], { inQueue: true }) }),
      one({ head: head([pull(3, [])]) }),
    ]);
    const rows = table.trim().split('\n').slice(2);
    expect(rows.map((row) => row.split(' | ')[1])).toEqual(['failure', 'pending', 'success']);
    expect(rows[0]).toContain('ask someone else who may write here to review 1111111');
    expect(rows[1]).toContain('queued');
    expect(rows[2]).toContain('let in by mona');
  });

  it('holds 200 rows, and says how many more there are', () => {
    const all = Array.from({ length: 503 }, (_, index) => one({ verdict: red(), head: head([pull(index + 1)]) }));
    const table = decisionsInMarkdown(all);
    expect(table.match(/^\| /gm)).toHaveLength(202);
    expect(table.trimEnd()).toMatch(/303 more of the 503 are not shown here\.$/);
  });

  it('stays below the limit of a summary whatever the texts are', () => {
    const text = '|@a#1漢'.repeat(200);
    const by: Review = { by: text, state: 'CHANGES_REQUESTED', sha: HEAD, counts: true };
    const all = Array.from({ length: 300 }, (_, index) => {
      const pulls = Array.from({ length: 5 }, (_, more) => pull(index * 5 + more, [by], { title: text }));
      return one({ verdict: red(text, text), freezes: [frozen({ inWords: text })], head: head(pulls) });
    });
    expect(Buffer.byteLength(decisionsInMarkdown(all))).toBeLessThan(700_000);
  });

  it.each(NASTY)('escapes %j', (text) => {
    const table = decisionsInMarkdown([one({ head: head([pull(1, [], { title: text, author: text })]) })]);
    expect(table.trim().split('\n')).toHaveLength(3);
    expect(table.replace(/\\./g, '').replace(/^\|.*?\|\n/, '')).not.toMatch(/[<>`*~$&]|(^|\W)@\w/);
  });
});

describe('what cannot be decided', () => {
  const failure = (what: string) => new Failure({ code: 'config-invalid', what, where: 'changeline.yml:3', next: 'n' });

  it.each(NASTY)('is told in a status that GitHub takes: %j', (text) => {
    for (const inQueue of [false, true]) {
      const told = undecided({ sha: HEAD, pulls: [pull(1)], inQueue, status: null }, failure(text));
      expect(told.state).toBe(inQueue ? 'pending' : 'failure');
      expect(told.description.length).toBeLessThanOrEqual(140);
      expect(told.description).not.toMatch(UNSEEN);
      expect(told.description).toMatch(/^the gate cannot decide: changeline\.yml:3/);
    }
  });

  it.each([
    ['a check', { verdict: red('\u{1f9ea} test'), overrides: '' }],
    ['an override', { verdict: red(), overrides: 'let in \u{1f680}' }],
  ])('nor has any other status a character that GitHub refuses: %s', (_, { verdict: main, overrides: why }) => {
    const override: Override = {
      id: 'o',
      pull: 1,
      comment: 'c',
      by: 'mona',
      why,
      since: '',
      until: '2026-11-22T00:00:00Z',
    };
    const head: Head = { sha: HEAD, pulls: [pull(1)], inQueue: false, status: null };
    const given = { verdict: main, freezes: [], head, section: null, overrides: why ? [override] : [], now: NOW };
    expect(decide(given).description).toContain('\ufffd');
    expect(decide(given).description).not.toMatch(/[\u{10000}-\u{10ffff}]/u);
  });
});
