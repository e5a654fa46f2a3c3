import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Pull, type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

let standIn: StandIn;
let shop: Repository;
let token: string;
const ALL = {
  actions: 'write',
  checks: 'read',
  contents: 'write',
  deployments: 'read',
  issues: 'write',
  'pull-requests': 'write',
  statuses: 'write',
} as const;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  token = standIn.token({ contents: 'write', statuses: 'write', checks: 'read', 'pull-requests': 'read' });
});

afterEach(() => standIn.close());

async function ask(
  path: string,
  body?: unknown,
  given: { as?: string; method?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  const method = given.method ?? (body === undefined ? 'GET' : 'POST');
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const headers = { authorization: `Bearer ${given.as ?? token}`, ...given.headers };
  return fetch(new URL(path, standIn.url), { ...init, headers });
}

/** An answer's JSON, in whatever form the test expects it. */
// biome-ignore lint/suspicious/noExplicitAny: the schemas are the stand-in's to hold.
async function told(answer: Response | Promise<Response>): Promise<any> {
  return (await answer).json();
}

// biome-ignore lint/suspicious/noExplicitAny: as above
async function graphql(selection: string, as = token): Promise<any> {
  return told(ask('/graphql', { query: selection }, { as }));
}

async function inShop(selection: string, as = token) {
  const { data, errors } = await graphql(`query { repository(owner: "acme", name: "shop") { ${selection} } }`, as);
  return { shop: data?.repository, errors };
}

describe('a stand-in that holds code to what GitHub publishes', () => {
  it.each([
    [
      'a query parameter that GitHub does not have',
      '/repos/acme/shop/commits/main/check-runs?filtre=latest',
      undefined,
      'filtre',
    ],
    [
      'a value outside its enumeration',
      '/repos/acme/shop/commits/main/check-runs?filter=newest',
      undefined,
      'allowed values',
    ],
    ['a body without a required key', '/repos/acme/shop/git/commits', { message: 'm' }, 'tree'],
    [
      'a body with a key that GitHub does not have',
      '/repos/acme/shop/git/refs',
      { ref: 'r', sha: 's', force: true },
      'force',
    ],
    ['a body of the wrong type', '/repos/acme/shop/git/refs', { ref: 'r', sha: 5 }, 'string'],
    ['a route that is not played', '/repos/acme/shop/hooks', undefined, 'not played'],
    [
      'a GraphQL field that is not in the schema',
      '/graphql',
      { query: 'query { repository(owner: "acme", name: "shop") { colour } }' },
      'colour',
    ],
    [
      'a GraphQL variable that is missing',
      '/graphql',
      { query: 'query ($o: String!) { repository(owner: $o, name: "shop") { id } }' },
      '"$o"',
    ],
  ])('refuses %s', async (_, path, body, said) => {
    const response = await ask(path, body);
    expect(response.status).toBe(599);
    expect(standIn.violations).toEqual([expect.stringContaining(said)]);
  });

  it('refuses a token on its way to the storage', async () => {
    const [asset] = shop.release('1.0.0', { a: Buffer.from('x') }).assets;
    const headers = { authorization: `Bearer ${token}`, accept: 'application/octet-stream' };
    const url = new URL(`/repos/acme/shop/releases/assets/${asset!.id}`, standIn.url);
    const redirect = await fetch(url, { headers, redirect: 'manual' });
    expect(redirect.status).toBe(302);
    expect((await fetch(redirect.headers.get('location')!, { headers })).status).toBe(599);
    expect(standIn.violations).toEqual([expect.stringContaining('storage')]);
  });
});

describe('beside the schemas', () => {
  afterEach(() => expect(standIn.violations).toEqual([]));

  describe('permissions', () => {
    it('are those of the token', async () => {
      shop.commit();
      expect((await ask('/repos/acme/shop', undefined, { as: 'other' })).status).toBe(401);
      const denied = await ask('/repos/acme/shop/actions/runs');
      expect([denied.status, denied.headers.get('x-accepted-github-permissions')]).toEqual([403, 'actions=read']);
      const { errors } = await inShop('deployments(first: 1) { totalCount }');
      expect(errors).toEqual([
        {
          type: 'FORBIDDEN',
          path: ['repository', 'deployments'],
          locations: [{ line: 1, column: 51 }],
          message: 'Resource not accessible by integration',
        },
      ]);
    });

    it('hide one field and leave its neighbours', async () => {
      shop.run(shop.commit(), { jobs: [{ name: 'build' }] });
      const run = 'checkSuites(first: 1) { nodes { status workflowRun { event } } }';
      const { shop: answer, errors } = await inShop(`object(expression: "main") { ... on Commit { ${run} } }`);
      expect(answer.object.checkSuites.nodes).toEqual([{ status: 'COMPLETED', workflowRun: null }]);
      expect(errors.map(({ type }: { type: string }) => type)).toEqual(['FORBIDDEN']);
    });

    it.each([
      ['a comment on an issue with issues: write', 'issue', { issues: 'write' }, 201, null],
      ['a comment on an issue with pull-requests: write', 'issue', { 'pull-requests': 'write' }, 403, 'issues=write'],
      ['a comment on a pull request with pull-requests: write', 'pull', { 'pull-requests': 'write' }, 201, null],
      ['a comment on a pull request with neither', 'pull', {}, 403, 'issues=write; pull_requests=write'],
    ] as const)('decide on %s', async (_, kind, permissions, status, accepted) => {
      const { number } = kind === 'pull' ? shop.pull(shop.commit('feature')) : shop.issue();
      const as = standIn.token(permissions);
      const answer = await ask(`/repos/acme/shop/issues/${number}/comments`, { body: 'hello' }, { as });
      expect([answer.status, answer.headers.get('x-accepted-github-permissions')]).toEqual([status, accepted]);
    });

    it('never give members or administration to a job', async () => {
      standIn.team('acme', 'release', ['alice'], ['bob']);
      expect(() => standIn.token({ members: 'read' }, { kind: 'job' })).toThrow('members');
      expect((await ask('/orgs/acme/teams/release')).status).toBe(403);
      const as = standIn.token({ members: 'read' });
      const membership = '/orgs/acme/teams/release/memberships';
      expect((await told(ask('/orgs/acme/teams/release', undefined, { as }))).members_count).toBe(2);
      expect((await told(ask(`${membership}/Alice`, undefined, { as }))).state).toBe('active');
      expect((await told(ask(`${membership}/bob`, undefined, { as }))).state).toBe('pending');
      expect((await ask(`${membership}/carol`, undefined, { as })).status).toBe(404);
      expect((await ask('/orgs/acme/teams/other', undefined, { as })).status).toBe(404);
    });

    it('show bypass actors only to who may write them, and protection to who may read it', async () => {
      shop.commit();
      const { id } = shop.ruleset({
        rules: [{ type: 'merge_queue' }],
        bypass_actors: [{ actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'always' }],
      });
      const reads = standIn.token({ administration: 'read' });
      const writes = standIn.token({ administration: 'write' });
      expect(await told(ask(`/repos/acme/shop/rulesets/${id}`))).not.toHaveProperty('bypass_actors');
      expect(await told(ask(`/repos/acme/shop/rulesets/${id}`, undefined, { as: reads }))).not.toHaveProperty(
        'bypass_actors',
      );
      const whole = await told(ask(`/repos/acme/shop/rulesets/${id}`, undefined, { as: writes }));
      expect(whole.bypass_actors).toHaveLength(1);
      const protection = '/repos/acme/shop/branches/main/protection';
      expect((await ask(protection)).status).toBe(403);
      expect(await told(ask(protection, undefined, { as: reads }))).toMatchObject({ message: 'Branch not protected' });
      shop.protection({ required_status_checks: { strict: true, contexts: ['ci'], checks: [] } });
      expect((await ask(protection, undefined, { as: reads })).status).toBe(200);
    });
  });

  describe('pages', () => {
    it('of REST have Link headers', async () => {
      const sha = shop.commit();
      shop.run(sha, { jobs: Array.from({ length: 5 }, (_, index) => ({ name: `job ${index}` })) });
      const first = await ask('/repos/acme/shop/commits/main/check-runs?per_page=2');
      const { total_count, check_runs } = await told(first);
      expect([total_count, check_runs.length]).toEqual([5, 2]);
      expect(check_runs[0].app).toHaveProperty('permissions');
      const relations = (answer: Response) =>
        [...(answer.headers.get('link') ?? '').matchAll(/&page=(\d+)>; rel="(\w+)"/g)].map(([, page, rel]) => [
          rel,
          page,
        ]);
      expect(relations(first)).toEqual([
        ['next', '2'],
        ['last', '3'],
      ]);
      const second = await ask(/<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')![1]!);
      expect(relations(second).map(([rel]) => rel)).toEqual(['prev', 'next', 'last', 'first']);
      const third = await ask('/repos/acme/shop/commits/main/check-runs?per_page=2&page=3');
      expect(relations(third).map(([rel]) => rel)).toEqual(['prev', 'first']);
      expect((await told(third)).check_runs).toHaveLength(1);
    });

    it('of GraphQL have cursors that stay where records come and go', async () => {
      const sha = shop.commit();
      const pulls = Array.from({ length: 5 }, () => shop.pull(sha));
      const page = (after: string | null) =>
        inShop(`pullRequests(first: 2, after: ${JSON.stringify(after)}) {
          totalCount pageInfo { hasNextPage hasPreviousPage endCursor } nodes { number } }`);
      const first = (await page(null)).shop.pullRequests;
      expect([first.totalCount, first.pageInfo.hasNextPage, first.pageInfo.hasPreviousPage]).toEqual([5, true, false]);
      shop.pulls.splice(0, 1);
      const second = (await page(first.pageInfo.endCursor)).shop.pullRequests;
      shop.pulls.splice(2, 1);
      const third = (await page(second.pageInfo.endCursor)).shop.pullRequests;
      const numbers = [first, second, third].flatMap(({ nodes }) => nodes.map((one: Pull) => one.number));
      expect(numbers).toEqual(pulls.map((one) => one.number));
      expect(third.pageInfo.hasNextPage).toBe(false);
    });

    it.each([
      ['more than a hundred', 'pullRequests(first: 101) { totalCount }', 'EXCESSIVE_PAGINATION'],
      ['no bound', 'pullRequests { totalCount }', 'MISSING_PAGINATION_BOUNDARIES'],
      [
        'more than 500,000 nodes',
        'pullRequests(first: 100) { nodes { comments(first: 100) { nodes { issue { labels(first: 100) { totalCount } } } } } }',
        'MAX_NODE_LIMIT_EXCEEDED',
      ],
    ])('of %s are refused', async (_, selection, type) => {
      const { errors } = await inShop(selection);
      expect(errors).toMatchObject([{ type }]);
    });

    it('weigh what GitHub says they weigh', async () => {
      const nested = 'pullRequests(first: 100) { nodes { reviews(first: 10) { nodes { id } } } }';
      const { data } = await graphql(
        `query { rateLimit { cost nodeCount } repository(owner: "acme", name: "shop") { ${nested} } }`,
      );
      expect(data.rateLimit).toEqual({ cost: 1, nodeCount: 1100 });
    });
  });

  describe('a commit', () => {
    it('has a suite for each run and app, with reruns and steps', async () => {
      const sha = shop.commit();
      const steps = [{ name: 'Run tests', conclusion: 'failure' }];
      const run = shop.run(sha, { actor: 'alice', jobs: [{ name: 'build', conclusion: 'failure', steps }] });
      shop.rerun(run, [{ name: 'build', status: 'in_progress' }]);
      shop.check(sha, 'circleci', { name: 'a' });
      shop.check(sha, 'circleci', { name: 'b', conclusion: 'timed_out' });
      shop.suite(sha, 'sleepy');
      const runs = (type: string) =>
        `checkRuns(first: 9, filterBy: { checkType: ${type} }) { nodes { name status conclusion steps(first: 9) { nodes { name number } } } }`;
      const { shop: answer } = await inShop(
        `object(expression: "main") { ... on Commit { checkSuites(first: 9) { totalCount nodes {
          status conclusion app { slug name } creator { login } workflowRun { event workflow { name } }
          latest: ${runs('LATEST')} all: ${runs('ALL')} } } } }`,
        standIn.token(ALL),
      );
      const [actions, circle, sleepy] = answer.object.checkSuites.nodes;
      expect(actions).toMatchObject({
        status: 'IN_PROGRESS',
        conclusion: null,
        app: { slug: 'github-actions', name: 'GitHub Actions' },
        creator: { login: 'alice' },
        workflowRun: { event: 'push', workflow: { name: 'CI' } },
      });
      expect(actions.latest.nodes).toHaveLength(1);
      expect(actions.all.nodes).toHaveLength(2);
      expect(actions.all.nodes[1].steps.nodes).toEqual([{ name: 'Run tests', number: 1 }]);
      expect([circle.status, circle.conclusion, circle.latest.nodes.length]).toEqual(['COMPLETED', 'FAILURE', 2]);
      expect([sleepy.status, sleepy.latest.nodes]).toEqual(['QUEUED', []]);
    });

    it('is gone with its fork: a status is refused, and its pull request still names it', async () => {
      const head = shop.commit('fork');
      const { number } = shop.pull(head, 'main', 'open', { fork: true, author: 'mallory' });
      shop.forget(head);
      const answer = await ask(`/repos/acme/shop/statuses/${head}`, { state: 'success', context: 'c' });
      expect([answer.status, (await told(answer)).message]).toEqual([422, `No commit found for SHA: ${head}`]);
      const { shop: shown } = await inShop(
        `pullRequest(number: ${number}) { headRefOid isCrossRepository commits(last: 1) { nodes { commit { oid } } } }`,
      );
      expect(shown.pullRequest).toEqual({ headRefOid: head, isCrossRepository: true, commits: { nodes: [] } });
    });

    it('stays where only its branch was deleted', async () => {
      const head = shop.commit('feature');
      shop.pull(head);
      shop.branches.delete('feature');
      expect((await ask(`/repos/acme/shop/statuses/${head}`, { state: 'success' })).status).toBe(201);
    });

    it('is compared with another', async () => {
      const base = shop.commit('main', { files: { a: '1', b: '1' } });
      const left = shop.commit('main', { files: { a: '2' } });
      shop.branches.set('side', base);
      shop.commit('side', { files: { c: '1' } });
      shop.commit('side', { files: { b: '2' } });
      const { status, ahead_by, behind_by, files, merge_base_commit } = await told(
        ask(`/repos/acme/shop/compare/${left}...side`),
      );
      expect([status, ahead_by, behind_by, merge_base_commit.sha]).toEqual(['diverged', 2, 1, base]);
      expect(files.map((one: { filename: string; status: string }) => [one.filename, one.status])).toEqual([
        ['b', 'modified'],
        ['c', 'added'],
      ]);
      expect((await ask(`/repos/acme/shop/compare/${left}...none`)).status).toBe(404);
    });

    it('has files by REST and by GraphQL', async () => {
      shop.commit('main', { files: { '.github/changeline.yml': 'name: shop', a: 'x' } });
      const { content } = await told(ask('/repos/acme/shop/contents/.github/changeline.yml'));
      expect(Buffer.from(content, 'base64').toString()).toBe('name: shop');
      const listed = await told(ask('/repos/acme/shop/contents/.github'));
      expect(listed.map(({ path, type }: { path: string; type: string }) => [path, type])).toEqual([
        ['.github/changeline.yml', 'file'],
      ]);
      expect((await ask('/repos/acme/shop/contents/none')).status).toBe(404);
      const { shop: answer } = await inShop(
        'object(expression: "HEAD:.github/changeline.yml") { ... on Blob { text byteSize isTruncated isBinary } }',
      );
      expect(answer.object).toEqual({ text: 'name: shop', byteSize: 10, isTruncated: false, isBinary: false });
    });
  });

  describe('a pull request', () => {
    it('shows what the gate looks at', async () => {
      shop.commit();
      const as = standIn.token(ALL);
      const bug = shop.issue({ labels: ['bug'] });
      shop.role('alice', 'write');
      const pull = shop.pull(shop.commit('feature'), 'main', 'open', {
        title: 'A `title`',
        author: 'dependabot[bot]',
        headRef: 'feature',
        mergeable: null,
        autoMerge: true,
        draft: true,
        closes: [bug.number],
        files: [{ path: 'a.ts', how: 'ADDED', additions: 3 }],
      });
      shop.review(pull, { by: 'alice', state: 'CHANGES_REQUESTED' });
      shop.review(pull, { by: 'alice', state: 'APPROVED' });
      shop.review(pull, { by: 'alice', state: 'COMMENTED' });
      shop.review(pull, { by: 'bob', state: 'APPROVED' });
      const ask = () =>
        inShop(
          `pullRequests(states: OPEN, headRefName: "feature", first: 1) { nodes {
            author { login __typename } isDraft mergeable autoMergeRequest { enabledAt } reviewDecision
            additions changedFiles state files(first: 9) { nodes { path changeType } }
            all: latestOpinionatedReviews(first: 9) { totalCount }
            latestOpinionatedReviews(first: 9, writersOnly: true) { nodes { author { login } state commit { oid } authorCanPushToRepository } }
            closingIssuesReferences(first: 9) { nodes { number labels(first: 9) { nodes { name } } } } } }`,
          as,
        );
      const [node] = (await ask()).shop.pullRequests.nodes;
      expect(node).toMatchObject({
        author: { login: 'dependabot', __typename: 'Bot' },
        isDraft: true,
        mergeable: 'UNKNOWN',
        reviewDecision: null,
        additions: 3,
        files: { nodes: [{ path: 'a.ts', changeType: 'ADDED' }] },
        all: { totalCount: 2 },
        closingIssuesReferences: { nodes: [{ number: bug.number, labels: { nodes: [{ name: 'bug' }] } }] },
      });
      expect(node.latestOpinionatedReviews.nodes).toEqual([
        { author: { login: 'alice' }, state: 'APPROVED', commit: { oid: pull.head }, authorCanPushToRepository: true },
      ]);
      shop.ruleset({ rules: [{ type: 'pull_request', parameters: { required_approving_review_count: 1 } }] });
      expect((await ask()).shop.pullRequests.nodes[0].reviewDecision).toBe('APPROVED');
    });

    it('waits in the queue as a branch, and its followers are built anew when it leaves', async () => {
      const base = shop.commit();
      const [first, second] = [shop.pull(shop.commit('one')), shop.pull(shop.commit('two'))];
      shop.enqueue(first);
      const behind = shop.enqueue(second);
      const entries = async () => {
        const { shop: answer } = await inShop(
          'mergeQueue(branch: "main") { entries(first: 9) { nodes { position headCommit { oid } pullRequest { number } } } }',
        );
        return answer.mergeQueue.entries.nodes;
      };
      expect((await entries()).map((one: { position: number }) => one.position)).toEqual([1, 2]);
      expect(shop.branches.get(behind.branch)).toBe(behind.head);
      shop.dequeue(first);
      const [left] = await entries();
      expect([left.position, left.pullRequest.number, left.headCommit.oid === behind.head]).toEqual([
        1,
        second.number,
        false,
      ]);
      expect([...shop.branches.keys()]).toContain(`gh-readonly-queue/main/pr-${second.number}-${base}`);
      expect(shop.branches.has(behind.branch)).toBe(false);
    });
  });

  describe('people', () => {
    it.each([
      ['maintain', undefined, 'write', 'maintain'],
      ['triage', undefined, 'read', 'triage'],
      ['write', 'release-manager', 'write', 'release-manager'],
      ['none', undefined, 'none', 'none'],
    ] as const)('with the role %s (%s)', async (role, name, permission, roleName) => {
      shop.role('Alice', role, name);
      const answer = await told(ask('/repos/acme/shop/collaborators/alice/permission'));
      expect(answer).toMatchObject({ permission, role_name: roleName, user: { login: 'Alice', type: 'User' } });
    });

    it('may be gone', async () => {
      shop.is('alice', { gone: true });
      expect((await ask('/repos/acme/shop/collaborators/alice/permission')).status).toBe(404);
    });

    it('comment, edit and delete, and GitHub remembers', async () => {
      const { number } = shop.issue({ body: 'plan' });
      const as = standIn.token(ALL);
      const [kept, edited, gone] = ['/approve', '/reject', 'oops'].map((body) =>
        shop.comment(number, { by: 'alice', body }),
      );
      shop.editComment(edited!, '/approve', 'mallory');
      shop.deleteComment(gone!);
      await ask(`/repos/acme/shop/issues/${number}/comments`, { body: 'done' }, { as });
      const { shop: answer } = await inShop(
        `issue(number: ${number}) { viewerDidAuthor comments(first: 9) { totalCount nodes {
          databaseId body author { login __typename } lastEditedAt includesCreatedEdit viewerDidAuthor } } }`,
        as,
      );
      const { totalCount, nodes } = answer.issue.comments;
      expect(totalCount).toBe(3);
      expect(nodes[0]).toMatchObject({ databaseId: kept!.id, lastEditedAt: null, includesCreatedEdit: false });
      expect(nodes[1]).toMatchObject({ body: '/approve', lastEditedAt: edited!.edited, includesCreatedEdit: true });
      expect(nodes[2]).toMatchObject({
        author: { login: 'github-actions', __typename: 'Bot' },
        viewerDidAuthor: true,
      });
      const path = `/repos/acme/shop/issues/comments/${kept!.id}/reactions`;
      const react = async () => (await ask(path, { content: '+1' }, { as })).status;
      expect([await react(), await react()]).toEqual([201, 200]);
    });
  });

  describe('settings', () => {
    it('of rules hold for the branches they name, while they are active', async () => {
      shop.commit();
      const rules = [{ type: 'required_status_checks', parameters: CHECKS }];
      shop.ruleset({ name: 'a', rules });
      shop.ruleset({ name: 'b', rules, enforcement: 'evaluate' });
      const conditions = { ref_name: { include: ['refs/heads/release/*'], exclude: ['refs/heads/release/old'] } };
      shop.ruleset({ name: 'c', rules, conditions });
      const count = async (branch: string) => (await told(ask(`/repos/acme/shop/rules/branches/${branch}`))).length;
      expect([await count('main'), await count('release/1'), await count('release/old')]).toEqual([1, 1, 0]);
      expect(await told(ask('/repos/acme/shop/rulesets'))).toHaveLength(3);
    });

    it('of environments have reviewers and branches', async () => {
      const as = standIn.token({ actions: 'read' });
      shop.environment({ name: 'production', reviewers: ['alice', 'team:release'], branches: ['main'] });
      shop.environment({ name: 'uat' });
      const { environments } = await told(ask('/repos/acme/shop/environments', undefined, { as }));
      expect(environments.map((one: { protection_rules: { type: string }[] }) => one.protection_rules)).toMatchObject([
        [{ type: 'required_reviewers', reviewers: [{ type: 'User' }, { type: 'Team' }] }, { type: 'branch_policy' }],
        [],
      ]);
      const policies = '/repos/acme/shop/environments/production/deployment-branch-policies';
      expect((await told(ask(policies, undefined, { as }))).branch_policies).toMatchObject([{ name: 'main' }]);
      const as2 = standIn.token({ administration: 'read' });
      const workflow = await told(ask('/repos/acme/shop/actions/permissions/workflow', undefined, { as: as2 }));
      expect(workflow.default_workflow_permissions).toBe('read');
    });
  });

  describe('limits', () => {
    const write = (sha: string, as = token) => ask(`/repos/acme/shop/statuses/${sha}`, { state: 'success' }, { as });
    const read = () => ask('/repos/acme/shop');

    it('are not held unless they are asked for', async () => {
      expect((await read()).headers.get('x-ratelimit-limit')).toBeNull();
    });

    it('of an hour are told with each answer, and refuse without a time to wait', async () => {
      standIn.limits = { requests: 2 };
      const first = await read();
      expect([first.headers.get('x-ratelimit-remaining'), first.headers.get('x-ratelimit-resource')]).toEqual([
        '1',
        'core',
      ]);
      await read();
      const refused = await read();
      expect([refused.status, refused.headers.get('x-ratelimit-remaining')]).toEqual([403, '0']);
      expect([refused.headers.get('retry-after'), (await told(refused)).message]).toEqual([
        null,
        expect.stringContaining('API rate limit exceeded'),
      ]);
      const reset = Number(refused.headers.get('x-ratelimit-reset')) * 1000;
      expect(reset - Date.parse(refused.headers.get('date')!)).toBeGreaterThan(3_590_000);
      standIn.skew += 3_600_000;
      expect((await read()).status).toBe(200);
    });

    it.each([
      ['content', { contentMinute: 3 }, 3],
      ['points, five for a write', { points: 24 }, 4],
    ])('of a minute count %s', async (_, limits, allowed) => {
      const sha = shop.commit();
      standIn.limits = limits;
      const other = standIn.token({ statuses: 'write' });
      for (let count = 0; count < allowed; count++) expect((await write(sha)).status).toBe(201);
      const refused = await write(sha);
      expect([refused.status, (await told(refused)).message]).toEqual([
        403,
        expect.stringContaining('secondary rate limit'),
      ]);
      const wait = Number(refused.headers.get('retry-after'));
      expect(wait).toBeGreaterThan(50);
      expect((await write(sha, other)).status).toBe(201);
      expect([shop.statuses.length, standIn.used.refused]).toEqual([allowed + 1, 1]);
      standIn.skew += wait * 1000;
      expect((await write(sha)).status).toBe(201);
    });

    it('count those under way', async () => {
      standIn.limits = { concurrent: 3 };
      standIn.latency = 20;
      const answers = await Promise.all(Array.from({ length: 5 }, () => read()));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 403, 403]);
      expect((await read()).status).toBe(200);
    });

    it('of GraphQL are their own', async () => {
      standIn.limits = { graphql: 1, requests: 5 };
      const query = 'query { viewer { login } }';
      expect(await graphql(query)).toEqual({ data: { viewer: { login: 'github-actions[bot]' } } });
      const refused = await ask('/graphql', { query });
      expect([refused.status, (await told(refused)).errors[0].type]).toEqual([200, 'RATE_LIMITED']);
      expect((await read()).headers.get('x-ratelimit-remaining')).toBe('4');
    });

    it('leave out what has not changed', async () => {
      standIn.limits = {};
      const first = await read();
      const headers = { 'if-none-match': first.headers.get('etag')! };
      const second = await ask('/repos/acme/shop', undefined, { headers });
      expect([second.status, await second.text(), second.headers.get('x-ratelimit-remaining')]).toEqual([
        304,
        '',
        '999',
      ]);
      shop.isPrivate = false;
      expect((await ask('/repos/acme/shop', undefined, { headers })).status).toBe(200);
      expect(standIn.used).toMatchObject({ rest: 3, unchanged: 1 });
    });
  });

  describe('time', () => {
    it('is that of the Date header', async () => {
      standIn.skew = 7_200_000;
      const date = Date.parse((await ask('/repos/acme/shop')).headers.get('date')!);
      expect(Math.abs(date - Date.now() - 7_200_000)).toBeLessThan(60_000);
    });

    it('lets a status appear only after some reads', async () => {
      const sha = shop.commit();
      standIn.lag = 2;
      await ask(`/repos/acme/shop/statuses/${sha}`, { state: 'success', context: 'gate' });
      expect(shop.statusOf(sha, 'gate')?.state).toBe('success');
      const rest = async () => (await told(ask(`/repos/acme/shop/commits/${sha}/statuses`))).length;
      const { shop: first } = await inShop('object(expression: "main") { ... on Commit { status { state } } }');
      expect([first.object.status, await rest(), await rest()]).toEqual([null, 0, 1]);
    });
  });

  describe('events', () => {
    const workflow = (on: string) => `name: Approve\non:\n${on}\njobs: {}\n`;
    const DISPATCH =
      '  workflow_dispatch:\n    inputs:\n      version: { required: true }\n      wave: { default: all }';

    it('tell of comments, on issues and on pull requests', () => {
      const { number } = shop.issue();
      const pull = shop.pull(shop.commit('feature'));
      shop.comment(number, { by: 'alice', body: '/approve' });
      shop.comment(pull.number, { by: 'bob', body: 'hello' });
      const [first, second] = [standIn.takeEvent('issue_comment'), standIn.takeEvent('issue_comment')];
      expect(first).toMatchObject({
        actor: 'alice',
        repository: 'acme/shop',
        payload: { action: 'created', issue: { number }, comment: { body: '/approve', user: { login: 'alice' } } },
      });
      expect(first.payload.issue).not.toHaveProperty('pull_request');
      expect(second.payload.issue).toHaveProperty('pull_request');
      expect(() => standIn.takeEvent('issue_comment')).toThrow('no event issue_comment');
    });

    it('tell of pull requests that open, move, change and merge', () => {
      shop.commit();
      const pull = shop.pull(shop.commit('feature'), 'main', 'open', { headRef: 'feature' });
      const before = pull.head;
      const after = shop.commit('feature');
      shop.editPull(pull, { base: 'next' });
      shop.commit('next');
      shop.merge(pull);
      const told = standIn.events.map(({ payload }) => payload);
      expect(told.map(({ action }) => action)).toEqual(['opened', 'synchronize', 'edited', 'closed']);
      expect(told[1]).toMatchObject({ before, after, pull_request: { head: { sha: after, ref: 'feature' } } });
      expect(told[2]).toMatchObject({ changes: { base: { ref: { from: 'main' } } } });
      expect(told[3]).toMatchObject({ pull_request: { merged: true, state: 'closed' } });
    });

    it('that a job causes start nothing, but for a dispatch', async () => {
      shop.commit('main', { files: { '.github/workflows/deliver.yml': workflow(DISPATCH) } });
      const { number } = shop.issue();
      standIn.clear();
      const [job, person] = [standIn.token(ALL), standIn.token(ALL, { as: 'alice' })];
      const comment = (as: string) => ask(`/repos/acme/shop/issues/${number}/comments`, { body: 'x' }, { as });
      await comment(job);
      expect(standIn.events).toEqual([]);
      await comment(person);
      expect(standIn.takeEvent().payload).toMatchObject({ comment: { user: { login: 'alice', type: 'User' } } });
      const dispatches = '/repos/acme/shop/actions/workflows/deliver.yml/dispatches';
      expect((await ask(dispatches, { ref: 'main', inputs: { version: '1.2.0' } }, { as: job })).status).toBe(204);
      const event = standIn.takeEvent('workflow_dispatch');
      expect(event).toMatchObject({
        actor: 'github-actions[bot]',
        payload: { ref: 'refs/heads/main', inputs: { version: '1.2.0', wave: 'all' } },
      });
      expect(shop.startedBy(event)).toMatchObject([{ workflow: { path: '.github/workflows/deliver.yml' } }]);
    });

    it.each([
      ['an unknown workflow', 'other.yml', { ref: 'main' }, 404, 'Not Found'],
      ['one without the trigger', 'ci.yml', { ref: 'main' }, 422, "does not have 'workflow_dispatch' trigger"],
      ['an unknown input', 'deliver.yml', { ref: 'main', inputs: { version: '1', colour: 'red' } }, 422, 'colour'],
      ['a missing input', 'deliver.yml', { ref: 'main' }, 422, 'version'],
      ['an unknown ref', 'deliver.yml', { ref: 'none', inputs: { version: '1' } }, 422, 'No ref found'],
    ])('do not come of %s', async (_, file, body, status, said) => {
      const files = {
        '.github/workflows/deliver.yml': workflow(DISPATCH),
        '.github/workflows/ci.yml': workflow('  push:'),
      };
      shop.commit('main', { files });
      const as = standIn.token({ actions: 'write' });
      const answer = await ask(`/repos/acme/shop/actions/workflows/${file}/dispatches`, body, { as });
      expect([answer.status, (await told(answer)).message]).toEqual([status, expect.stringContaining(said)]);
      expect(standIn.events).toEqual([]);
    });

    it('start the workflows that wait for them', () => {
      const files = {
        '.github/workflows/a.yml': workflow('  issue_comment:\n    types: [created]'),
        '.github/workflows/b.yml': workflow('  pull_request_target:\n  pull_request:\n    types: [edited]'),
      };
      shop.commit('main', { files });
      const pull = shop.pull(shop.commit('feature'));
      const started = () => shop.startedBy(standIn.takeEvent()).map(({ workflow, event }) => [workflow.path, event]);
      expect(started()).toEqual([['.github/workflows/b.yml', 'pull_request_target']]);
      shop.editComment(shop.comment(pull.number, { body: 'x' }), 'y');
      expect(started()).toEqual([['.github/workflows/a.yml', 'issue_comment']]);
      expect(started()).toEqual([]);
    });
  });
});

const CHECKS = {
  strict_required_status_checks_policy: false,
  required_status_checks: [{ context: 'changeline/gate' }],
};
