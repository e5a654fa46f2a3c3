import { describe, expect, it } from 'vitest';
import { parseTolerance, type Tolerance } from '../../../../src/judge/judge.ts';
import type { Live, LoadRun, LoadSeries } from '../../../../src/ledger/ledger.ts';
import { coarser } from '../../../../src/load/load.ts';
import { againstLive, compare, comparisonInWords, wouldSee } from '../../../../src/stages/loading/comparison.ts';
import { chartsOf, loadInMarkdown, typicalP95 } from '../../../../src/stages/loading/pictures.ts';

const at = '2026-02-03T04:05:06.789Z';
const tolerate = parseTolerance('x2 or 10')!;

/** Noise that is the same in every run of the tests, between -1 and 1. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (2 * state) / 2_147_483_647 - 1;
  };
}

interface Load {
  seed?: number;
  ticks?: number;
  slower?: number;
  fewer?: number;
  failing?: number;
}

/** A run whose p95 is about 20 ms, with 50 requests a tick. */
function series({ seed = 1, ticks = 50, slower = 1, fewer = 1, failing = 0 }: Load = {}): LoadSeries {
  const next = noise(seed);
  const list = (make: () => number) => Array.from({ length: ticks }, make);
  const requests = list(() => Math.round((50 + 4 * next()) * fewer));
  return {
    ...{ script: 'a.js', load: 'sha256:a', step: 1, requests },
    failed: requests.map((count) => Math.round(count * failing)),
    p50: list(() => (8 + next()) * slower),
    p95: list(() => (20 + 4 * next()) * slower),
  };
}

function load(change: Partial<LoadRun> = {}): LoadRun {
  return { version: '1.0.0', digest: null, at, change: 'c1', scripts: [series()], ...change };
}

function judged(now: Load, before: Load = {}, bearing: Tolerance = tolerate, closed = true) {
  return compare(series({ seed: 2, ...now }), { run: load(), series: series(before) }, bearing, closed);
}

describe('a run against the live version', () => {
  it.each<[string, Load, Load, string[]]>([
    ['as it was', {}, {}, []],
    ['half as slow again', { slower: 1.5 }, {}, []],
    ['five times as slow', { slower: 5 }, {}, ['p95', 'p50']],
    ['five times as fast', { slower: 0.2 }, {}, []],
    ['a third of the requests', { fewer: 0.3 }, {}, ['requests']],
    ['three times the requests', { fewer: 3 }, {}, []],
    ['a tenth fails where nothing did', { failing: 0.1 }, {}, ['failed requests']],
    ['a tenth fails as before', { failing: 0.1 }, { failing: 0.1 }, []],
    ['four tenths fail where a tenth did', { failing: 0.4 }, { failing: 0.1 }, ['failed requests']],
    ['eight ticks, five times as slow', { ticks: 9, slower: 5 }, { ticks: 9 }, ['p95', 'p50']],
    ['too few ticks to tell', { ticks: 5, slower: 5 }, { ticks: 5 }, []],
  ])('%s', (_, now, before, worse) => expect(judged(now, before).worse).toEqual(worse));

  it('holds ticks of one length against each other, where the longer run was put together further', () => {
    const [long, short] = [coarser(series({ ticks: 130 }), 2), series({ seed: 2, ticks: 110 })];
    const judge = (now: LoadSeries, live: LoadSeries) =>
      compare(now, { run: load(), series: live }, parseTolerance('x1.5')!, true).verdicts[3];
    expect(judge(short, long)).toMatchObject({ metric: 'requests', outcome: 'passed' });
    expect(judge(long, short)).toMatchObject({ metric: 'requests', outcome: 'passed', effect: expect.closeTo(1, 1) });
  });

  it('bears milliseconds where a factor is nothing', () => {
    expect(judged({ slower: 3 }, {}, parseTolerance('x2 or 60')!).worse).toEqual([]);
    expect(judged({ slower: 3 }, {}, parseTolerance('x2')!).worse).toEqual(['p95', 'p50']);
  });

  it('does not judge how many requests came where the script says how many', () => {
    const { worse, verdicts } = judged({ fewer: 0.3 }, {}, tolerate, false);
    expect(worse).toEqual([]);
    expect(verdicts.map(({ metric }) => metric)).toEqual(['p95', 'p50', 'failed requests']);
  });

  it('claims "as the live one does" only where harm is excluded', () => {
    expect(comparisonInWords(judged({}))).toBe('a.js bears load as 1.0.0 does');
    expect(comparisonInWords(judged({ slower: 5 }))).toMatch(/^a\.js bears load worse than 1\.0\.0: p95: rose to ×/);
    expect(comparisonInWords(judged({ slower: 1.5 }))).toMatch(/^a\.js against 1\.0\.0: changed, and no harm beyond/);
    expect(comparisonInWords(judged({ ticks: 5 }, { ticks: 5 }))).toMatch(/could not be told: p95: .*5 of at least 8/);
  });

  it('says before what it would see', () => {
    expect(wouldSee(series(), tolerate, true)).toMatch(/^p95 from ×1\.\d+, p50 from ×1\.\d+, requests from ×0\.9\d*$/);
    expect(wouldSee(series({ ticks: 5 }), tolerate, false)).toBe('p95 nothing, p50 nothing');
  });
});

describe('the run that it is held against', () => {
  const live: Live = { version: '1.0.0', digest: null, commit: null, change: 'c1', since: at };
  const other = load({ scripts: [{ ...series(), load: 'sha256:b' }] });

  it.each<[string, Parameters<typeof againstLive>[0], RegExp]>([
    ['no ledger', null, /^there is no ledger/],
    ['no live version', { live: null, loads: [load()] }, /^no version is live yet$/],
    [
      'another version',
      { live: { ...live, change: 'c9', version: '0.9.0' }, loads: [load()] },
      /no load test of 0\.9\.0/,
    ],
    ['another load', { live, loads: [other] }, /^1\.0\.0 was tested with another load/],
    ['another script', { live, loads: [load({ scripts: [] })] }, /^1\.0\.0 was not tested with it$/],
  ])('%s', (_, state, why) => {
    const against = againstLive(state, 'a.js', 'sha256:a');
    expect(against.series).toBeNull();
    expect(against.why).toMatch(why);
  });

  it('is none where it is not known what the script imports', () => {
    expect(againstLive({ live, loads: [load()] }, 'a.js', null).why).toMatch(/does not tell what the script imports/);
  });

  it.each<[string, Partial<Live>, Partial<LoadRun>]>([
    ['by version', { change: 'c9' }, {}],
    ['by change, where the version was not known when it was tested', {}, { version: null }],
    ['by version and digest', { change: 'c9', digest: 'sha256:1' }, { digest: 'sha256:1' }],
  ])('is found %s', (_, change, run) => {
    expect(againstLive({ live: { ...live, ...change }, loads: [load(run)] }, 'a.js', 'sha256:a').series).toEqual(
      series(),
    );
  });

  it('is not one of other bytes by the same name', () => {
    const state = { live: { ...live, change: 'c9', digest: 'sha256:1' }, loads: [load({ digest: 'sha256:2' })] };
    expect(againstLive(state, 'a.js', 'sha256:a').why).toMatch(/no load test of 1\.0\.0/);
  });
});

describe('in pictures', () => {
  const evil = { ...series(), script: 'a"]\n<b>.js' };

  it('shows the versions and both runs, escaped', () => {
    const compared = { ...judged({ slower: 5 }), script: evil.script };
    const loads = [
      load({ version: '1.1.0', scripts: [evil] }),
      load({ scripts: [{ ...evil, ...series({ slower: 2 }), script: evil.script }] }),
    ];
    const markdown = loadInMarkdown('1.2.0', [evil], [compared], loads);
    expect(markdown).toMatch(/^- a"\\\] \\<b\\>\.js bears load worse than 1\.0\.0/);
    expect(markdown).toContain('x-axis ["1.0.0", "1.1.0", "1.2.0"]');
    expect(markdown.match(/bar \[\d+\.?\d*, \d+\.?\d*, \d+\.?\d*\]/g)).toHaveLength(1);
    expect(markdown.match(/^ {2}line \[/gm)).toHaveLength(2);
    expect(markdown).toContain('title "p95 of a#34;#93; #60;b#62;.js');
  });

  it('shows nothing of a first run but what was compared', () => {
    expect(loadInMarkdown('1.0.0', [series()], [], [])).toBe('');
    expect(chartsOf([series()], [], 0)).toMatchObject([{ unit: 'ms', reference: null, verdict: 'not compared' }]);
  });

  it('draws the worse script first, with the live level and its band', () => {
    const worse = { ...series({ slower: 5 }), script: 'b.js' };
    const compared = [judged({}), { ...judged({ slower: 5 }), script: 'b.js' }];
    const [first, second] = chartsOf([series(), worse], compared, Date.parse(at));
    expect([first!.metric, second!.metric]).toEqual(['p95 of b.js', 'p95 of a.js']);
    expect(first!.points[0]!.at).toBe(Date.parse(at) + 1000);
    const { low, level, high } = first!.reference!;
    expect(low < level && level < high).toBe(true);
  });

  it('weights the p95 of a run with its requests', () => {
    const some = { ...series(), requests: [30, 10, 0], p95: [10, 50, null] };
    expect(typicalP95(some)).toBe(20);
    expect(typicalP95({ ...some, p95: [null, null, null] })).toBeNull();
  });
});
