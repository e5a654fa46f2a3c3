/** Issues, comments, pull requests and reviews, and who may do what. */
import { commentEvent, issueEvent, pullEvent } from './events.ts';
import type { Account, Comment, Issue, Pull, PullGiven, Review, Role } from './records-talk.ts';
import type { CommitGiven } from './world-code.ts';
import { Files } from './world-files.ts';

const RANK: Role[] = ['none', 'read', 'triage', 'write', 'maintain', 'admin'];

export class Talk extends Files {
  readonly pulls: Pull[] = [];
  readonly issues: Issue[] = [];
  readonly comments: Comment[] = [];
  readonly #accounts = new Map<string, Account>();

  /**
   * Says a user's role in the repository; `roleName` is that of an organisation's own role, which stands on `role`.
   * Nobody has to be named: octocat is an admin, everybody else may read where the repository is public and nothing
   * where it is private.
   */
  role(login: string, role: Role, roleName: string = role): void {
    this.#accounts.set(login.toLowerCase(), { ...this.account(login), role, roleName });
  }

  /** Says that an account is gone, that it is now called otherwise, or that it is no person's. */
  is(login: string, what: { gone?: boolean; login?: string; type?: 'User' | 'Bot' | 'Organization' }): void {
    this.#accounts.set(login.toLowerCase(), { ...this.account(login), ...what });
  }

  /** What GitHub knows of a login, which is the same in capitals. */
  account(login: string): Account {
    const known = this.#accounts.get(login.toLowerCase());
    if (known) return known;
    const role = login === 'octocat' ? 'admin' : this.isPrivate ? 'none' : 'read';
    const type = login.endsWith('[bot]') ? 'Bot' : 'User';
    return { login, type, role, roleName: role, gone: false };
  }

  mayPush(login: string | null): boolean {
    return login !== null && RANK.indexOf(this.account(login).role) >= RANK.indexOf('write');
  }

  /** A pull request; with `headRef` it moves with that branch. */
  pull(head: string, base = this.defaultBranch, state: Pull['state'] = 'open', more: PullGiven = {}): Pull {
    const number = this.nextId();
    const at = this.now();
    const { files = [], autoMerge, updated, ...given } = more;
    const pull: Pull = {
      id: this.nextId(),
      number,
      head,
      base,
      state,
      merged: false,
      mergedBy: null,
      title: 'A change',
      body: '',
      author: 'octocat',
      headRef: `change-${number}`,
      follows: more.headRef !== undefined,
      draft: false,
      mergeable: true,
      autoMerge: autoMerge ? at : null,
      fork: false,
      files: files.map((file) => ({ how: 'MODIFIED', additions: 1, deletions: 0, ...file })),
      closes: [],
      labels: [],
      reviews: [],
      at,
      updated: updated ?? at,
      ...given,
    };
    this.pulls.push(pull);
    if (state === 'open') this.#tell(pull, 'opened');
    return pull;
  }

  /** A commit; open pull requests from that branch move with it. */
  override commit(branch = this.defaultBranch, given: CommitGiven = {}): string {
    const sha = super.commit(branch, given);
    for (const pull of this.pulls.filter((one) => one.state === 'open' && one.follows && one.headRef === branch))
      this.synchronize(pull, sha);
    return sha;
  }

  /** The head of a pull request moves. */
  synchronize(pull: Pull, sha: string): void {
    const before = pull.head;
    Object.assign(pull, { head: sha, updated: this.now() });
    this.#tell(pull, 'synchronize', { before, after: sha });
  }

  /** Title, body, base or draft of a pull request change. */
  editPull(pull: Pull, changes: Partial<Pick<Pull, 'title' | 'body' | 'base' | 'draft'>>): void {
    const from: Record<string, unknown> = {};
    if (changes.base !== undefined) from.base = { ref: { from: pull.base } };
    if (changes.title !== undefined) from.title = { from: pull.title };
    if (changes.body !== undefined) from.body = { from: pull.body };
    const { draft } = changes;
    Object.assign(pull, changes, { updated: this.now() });
    if (Object.keys(from).length > 0) this.#tell(pull, 'edited', { changes: from });
    if (draft !== undefined) this.#tell(pull, draft ? 'converted_to_draft' : 'ready_for_review');
  }

  closePull(pull: Pull): void {
    Object.assign(pull, { state: 'closed', updated: this.now() });
    this.#tell(pull, 'closed');
  }

  reopenPull(pull: Pull): void {
    Object.assign(pull, { state: 'open', updated: this.now() });
    this.#tell(pull, 'reopened');
  }

  /** Merges a pull request as a merge commit. Returns its sha. */
  merge(pull: Pull, by = 'octocat'): string {
    const message = `Merge pull request #${pull.number}`;
    const sha = this.commit(pull.base, { also: [pull.head], author: by, message });
    Object.assign(pull, { state: 'closed', merged: true, mergedBy: by, updated: this.now() });
    this.#tell(pull, 'closed', {}, by);
    return sha;
  }

  /** A review at the head of the pull request, or at `sha`. */
  review(pull: Pull, given: { by: string | null; state: string; sha?: string | null }): Review {
    const sha = given.sha === undefined ? pull.head : given.sha;
    const review = { id: this.nextId(), by: given.by, state: given.state, sha, at: this.now() };
    pull.reviews.push(review);
    pull.updated = review.at;
    return review;
  }

  issue(given: { title?: string; body?: string; by?: string | null; labels?: string[] } = {}): Issue {
    const { title = 'An issue', body = '', by = 'octocat', labels = [] } = given;
    const at = this.now();
    const ids = { id: this.nextId(), number: this.nextId() };
    const issue: Issue = {
      ...ids,
      title,
      body,
      by,
      labels,
      state: 'open',
      at,
      updated: at,
      edited: null,
      reason: null,
    };
    this.issues.push(issue);
    this.host.emit(issueEvent(this, issue, 'opened', by));
    return issue;
  }

  /** Changes an issue; `by` is its author where nobody else is named. */
  editIssue(
    number: number,
    changes: Partial<Pick<Issue, 'title' | 'body' | 'state' | 'labels' | 'reason'>>,
    by?: string,
  ): Issue | undefined {
    const issue = this.issues.find((one) => one.number === number);
    if (!issue) return undefined;
    const updated = this.now();
    const { body, state } = issue;
    const isEdit = changes.body !== undefined && changes.body !== body;
    Object.assign(issue, changes, { updated }, isEdit ? { edited: updated } : {});
    if (state !== issue.state)
      issue.reason = issue.state === 'open' ? 'REOPENED' : (changes.reason ?? 'COMPLETED').toUpperCase();
    const who = by ?? issue.by;
    if (isEdit) this.host.emit(issueEvent(this, issue, 'edited', who, { changes: { body: { from: body } } }));
    if (state !== issue.state)
      this.host.emit(issueEvent(this, issue, issue.state === 'closed' ? 'closed' : 'reopened', who));
    return issue;
  }

  /** A comment on an issue or a pull request. */
  comment(number: number, given: { by?: string | null; body: string; at?: string }): Comment {
    const { by = 'octocat', body } = given;
    const at = given.at ?? this.now();
    const rest = { edited: null, editor: null, minimized: false, reactions: [] };
    const comment: Comment = { id: this.nextId(), issue: number, by, body, at, updated: at, ...rest };
    this.comments.push(comment);
    this.host.emit(commentEvent(this, comment, 'created', by));
    return comment;
  }

  /** Somebody with the right to changes a comment; its author by default. */
  editComment(comment: Comment, body: string, editor = comment.by): Comment {
    const edited = this.now();
    const from = { body: { from: comment.body } };
    Object.assign(comment, { body, edited, updated: edited, editor });
    this.host.emit(commentEvent(this, comment, 'edited', editor, { changes: from }));
    return comment;
  }

  deleteComment(comment: Comment, by = comment.by): void {
    this.comments.splice(this.comments.indexOf(comment), 1);
    this.host.emit(commentEvent(this, comment, 'deleted', by));
  }

  commentsOn(number: number): Comment[] {
    return this.comments.filter((one) => one.issue === number);
  }

  #tell(pull: Pull, action: string, more: Record<string, unknown> = {}, by = pull.author): void {
    this.host.emit(pullEvent(this, pull, action, by, more));
  }
}
