import { describe, expect, it } from 'vitest';
import { type MainQuestion, mainFrom, mainSelection } from '../../../src/gate/main.ts';
import type { GitHub } from '../../../src/github/github.ts';

const QUESTION: MainQuestion = { branch: null, checks: null, grace: 0 };

/** GitHub that gives these answers, one after the other, and the last of them for ever. */
function github(...answers: unknown[]): { hub: GitHub; asked: Record<string, unknown>[] } {
  const asked: Record<string, unknown>[] = [];
  const graphql = async (_: string, variables: Record<string, unknown>) => {
    asked.push(variables);
    return answers[Math.min(asked.length, answers.length) - 1];
  };
  return {
    hub: { graphql, now: () => new Date(0), runner: null, repository: 'acme/shop' } as unknown as GitHub,
    asked,
  };
}

type Node = Record<string, unknown> | null;

function page(nodes: Node[] | null, more: { total?: number; next?: string | null; goesOn?: boolean } = {}) {
  const { total = nodes?.length ?? 0, next = null, goesOn = next !== null } = more;
  return { totalCount: total, pageInfo: { hasNextPage: goesOn, endCursor: next }, nodes };
}

function job(number: number, conclusion = 'SUCCESS'): Node {
  const times = { startedAt: null, completedAt: null };
  const id = `CR_${number}`;
  return { id, databaseId: number, name: id, status: 'COMPLETED', conclusion, ...times, url: '', detailsUrl: null };
}

function suite(checkRuns: unknown): Node {
  const word = { status: 'COMPLETED', conclusion: 'SUCCESS', updatedAt: '', url: '' };
  return { id: 'CS_1', databaseId: 1, ...word, app: { slug: 'x' }, creator: null, workflowRun: null, checkRuns };
}

function commit(checkSuites: unknown, more: Record<string, unknown> = {}): Node {
  const told = { id: 'C_1', oid: 'a'.repeat(40), committedDate: '', author: null };
  return { ...told, checkSuites, status: null, parents: { nodes: [] }, ...more };
}

function main(target: Node) {
  return { main: { name: 'main', target } };
}

const UNREADABLE = { code: 'gate-unknown', outcome: 'inconclusive', next: expect.any(String) };

describe('an answer with a hole is never green', () => {
  const green = suite(page([job(1)]));

  it.each([
    ['a suite that is not shown', commit(page([green, null]))],
    ['no suites at all', commit(null)],
    ['suites without a list', commit(page(null))],
    ['a check run that is not shown', commit(page([suite(page([job(1), null]))]))],
    ['no check runs at all', commit(page([suite(null)]))],
    ['more to come, and no way to it', commit(page([green], { goesOn: true }))],
    ['the same suite twice', commit(page([green, green]))],
  ])('%s: it is read four times and not known', async (_, head) => {
    const { hub, asked } = github({ nodes: [head] });
    await expect(mainFrom(hub, main(head), QUESTION)).rejects.toMatchObject(UNREADABLE);
    expect(asked).toHaveLength(3);
  });

  it('a commit that GitHub leaves out', async () => {
    const parent = { id: 'C_2', oid: 'b'.repeat(40), committedDate: '', author: null };
    const head = commit(page([]), { parents: { nodes: [parent] } });
    const { hub } = github({ nodes: [null] });
    await expect(mainFrom(hub, main(head), QUESTION)).rejects.toMatchObject(UNREADABLE);
  });

  it.each([
    ['no repository', null],
    ['no branch', { main: null }],
    ['a branch without a commit', { main: { name: 'main', target: null } }],
    ['a branch that points to something else', { main: { name: 'main', target: {} } }],
  ])('%s', async (_, answer) => {
    const { hub, asked } = github({});
    await expect(mainFrom(hub, answer, QUESTION)).rejects.toMatchObject(UNREADABLE);
    expect(asked).toEqual([]);
  });
});

describe('pages', () => {
  const first = commit(page([suite(page([job(1), job(2)], { total: 3, next: 'x' }))]));
  const second = (more: Node[], total: number) => ({ p0: { checkRuns: page(more, { total }) } });

  it('are followed by their cursor', async () => {
    const { hub, asked } = github(second([job(3, 'FAILURE')], 3));
    expect((await mainFrom(hub, main(first), QUESTION)).red).toMatchObject([{ name: 'CR_3' }]);
    expect(asked).toEqual([{ id0: 'CS_1', after0: 'x' }]);
  });

  it.each([
    ['another total', second([job(3)], 4)],
    ['a record that was there before', second([job(2)], 3)],
    ['one more, where one may have gone', second([job(3), job(4)], 4)],
    ['a record less', second([], 3)],
    ['nothing', {}],
  ])('that do not fit together are read anew: %s', async (_, broken) => {
    const whole = { nodes: [commit(page([suite(page([job(1), job(2), job(3, 'FAILURE')]))]))] };
    const { hub, asked } = github(broken, whole);
    expect((await mainFrom(hub, main(first), QUESTION)).state).toBe('red');
    expect(asked).toHaveLength(2);
  });
});

describe('the selection', () => {
  it('is of a named branch or of the default one, and asks for 20 commits behind the head', () => {
    expect(mainSelection(true)).toMatch(/^main: ref\(qualifiedName: \$ref\) \{/);
    expect(mainSelection(false)).toMatch(/^main: defaultBranchRef \{/);
    expect(mainSelection(false).match(/parents\(first: 1\)/g)).toHaveLength(20);
  });
});
