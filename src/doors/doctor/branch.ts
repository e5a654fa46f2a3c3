/** The rows of the gated branch: whether its rules make the gate's status count. Pure. */
import { GATE_CONTEXT } from '../../gate/gate.ts';
import type { BranchFacts, Protection, RepositoryFacts, Rule, Seen } from './facts.ts';
import { advice, type Finding, isSeen, missing, named, ok, type Row, unknown } from './finding.ts';

/** The id of the app "GitHub Actions" on github.com. */
const ACTIONS_APP = 15368;

export const RULESETS = 'Settings > Rules > Rulesets';
export const LOOK = `look at ${RULESETS} and at Settings > Branches`;
const IN_RULESET = `${RULESETS}, the ruleset of the branch (New ruleset > New branch ruleset where there is none)`;

/** One thing that requires the context: a ruleset, or classic branch protection (`ruleset` null). */
interface Holder {
  who: string;
  kind: 'ruleset' | 'classic';
  ruleset: number | null;
  /** The app that it must come from; null for any. */
  app: number | null;
  /** Null where it cannot be seen. */
  strict: boolean | null;
}

/** Whether something is so; `unseen` where this token cannot tell. */
type Known = boolean | { unseen: string; needs: string | null };

/** Every row of the gated branch. */
export function branchFindings(facts: RepositoryFacts): Finding[] {
  const { gated } = facts;
  const about = `The branch ${gated.name}`;
  const holders = holdersOf(gated);
  const there: Finding[] =
    isSeen(gated.branch) && gated.branch.value === null
      ? [
          missing(
            { row: 'branch', about, asked: 'the branch is there' },
            'it is not in the repository',
            'correct gate.branch in changeline.yml',
          ),
        ]
      : [];
  return [
    ...there,
    required(gated, about, holders),
    ...(holders.length > 0
      ? [fromActions(about, holders), passedBy(gated, about, holders), upToDate(facts, about, holders)]
      : []),
    pullRequest(gated, about),
    history(gated, about, 'branch-history'),
  ];
}

function required(gated: BranchFacts, about: string, holders: Holder[]): Finding {
  const row: Row = { row: 'context-required', about, asked: `${GATE_CONTEXT} is a required status check` };
  if (holders.length > 0) return ok(row, `by ${holders.map((holder) => holder.who).join(' and ')}`);
  const next = `${IN_RULESET}: Require status checks to pass, add ${GATE_CONTEXT}`;
  if (!isSeen(gated.rules)) return unknown(row, gated.rules, LOOK);
  const classic = classicOf(gated);
  if (classic !== 'none' && 'unseen' in classic) return unknown(row, classic, LOOK);
  return missing(row, 'no ruleset and no branch protection requires it: the status only informs', next);
}

function fromActions(about: string, holders: Holder[]): Finding {
  const row: Row = { row: 'context-app', about, asked: `${GATE_CONTEXT} counts only from the app that writes it` };
  const apps = [...new Set(holders.map((holder) => holder.app))];
  if (apps.includes(ACTIONS_APP)) return ok(row, 'it must come from GitHub Actions');
  const other = apps.find((app) => app !== null);
  if (other === undefined) {
    return missing(
      row,
      'it may come from any source: everyone whose token has `statuses: write` can write a green one',
      `${IN_RULESET}: Require status checks to pass, choose GitHub Actions as the source of ${GATE_CONTEXT}`,
    );
  }
  return unknown(
    row,
    `it must come from the app ${other}`,
    `see beside ${GATE_CONTEXT} in ${RULESETS} whether that is the app whose token the gate has; from another app the status never comes, and nothing merges`,
  );
}

function passedBy(gated: BranchFacts, about: string, holders: Holder[]): Finding {
  const row: Row = { row: 'bypass', about, asked: 'nobody merges past the rule, administrators included' };
  const ways = holders.map((holder) => waysPast(gated, holder));
  const closed = holders.find((_, at) => ways[at] === 'none');
  if (closed) return ok(row, `${closed.who} lets nobody by`);
  const blind = ways.find((way) => typeof way === 'object');
  if (blind) {
    return unknown(
      row,
      blind,
      `see the Bypass list in ${RULESETS}; for branch protection, "Do not allow bypassing the above settings" in Settings > Branches`,
    );
  }
  return missing(
    row,
    ways.join('; '),
    holders.some((holder) => holder.kind === 'ruleset')
      ? `${RULESETS}, the ruleset: empty the Bypass list. Merge through the gate with \`/override because …\` instead`
      : 'Settings > Branches, the rule of the branch: Do not allow bypassing the above settings',
  );
}

/** Who may pass by a holder in words; `none` where nobody may. */
function waysPast(gated: BranchFacts, holder: Holder): string | { unseen: string; needs: string | null } {
  if (holder.kind === 'classic') {
    const admins = adminsHeld(gated);
    return admins === true ? 'none' : admins === false ? 'branch protection exempts administrators' : admins;
  }
  const seen = holder.ruleset === null ? undefined : gated.rulesets.get(holder.ruleset);
  if (!seen) return { unseen: 'GitHub did not say which ruleset holds it', needs: null };
  if (!isSeen(seen)) return seen;
  const { bypass, own } = seen.value;
  if (bypass === null) {
    if (own !== null && own !== 'never') return `${holder.who} lets the owner of this token by`;
    return {
      unseen: `GitHub shows the bypass list of ${holder.who} only to who may change it`,
      needs: 'Administration: write',
    };
  }
  if (bypass.length === 0) return 'none';
  return `${holder.who} lets by: ${bypass.map(actorInWords).join(', ')}`;
}

const ROLES: Record<number, string> = { 2: 'the role Maintain', 4: 'the role Write', 5: 'repository administrators' };

function actorInWords({ type, id, mode }: { type: string; id: number | null; mode: string }): string {
  const who =
    type === 'RepositoryRole'
      ? (ROLES[id ?? 0] ?? `the custom role ${id}`)
      : type === 'OrganizationAdmin'
        ? 'organization administrators'
        : type === 'DeployKey'
          ? 'deploy keys'
          : `${{ Team: 'the team', Integration: 'the app', User: 'the user' }[type] ?? type} ${id}`;
  return mode === 'pull_request' ? `${who} (for pull requests)` : who;
}

function upToDate({ gated, queue }: RepositoryFacts, about: string, holders: Holder[]): Finding {
  const row: Row = { row: 'up-to-date', about, asked: 'what merges was judged after the newest commit' };
  if (hasQueue({ gated, queue }) === true) return ok(row, 'there is a merge queue');
  if (holders.some((holder) => holder.strict === true)) return ok(row, 'branches must be up to date before merging');
  const look = `${LOOK} for "Require merge queue" and "Require branches to be up to date before merging"`;
  if (!isSeen(queue)) return unknown(row, queue, look);
  if (holders.some((holder) => holder.strict === null)) return unknown(row, unseenOf(gated.protection), look);
  return advice(
    row,
    'neither a merge queue nor the rule to be up to date: in the seconds after the branch turned red a pull request can still merge',
    `${IN_RULESET}: Require merge queue, the one place that cannot be raced; or Require branches to be up to date before merging`,
  );
}

/** Whether the branch has a merge queue; `null` where this token cannot tell. */
export function hasQueue({ gated, queue }: Pick<RepositoryFacts, 'gated' | 'queue'>): boolean | null {
  if (rulesOf(gated).some((rule) => rule.type === 'merge_queue')) return true;
  return isSeen(queue) ? queue.value : null;
}

function pullRequest(gated: BranchFacts, about: string): Finding {
  const row: Row = { row: 'pull-request', about, asked: 'changes come by pull request only' };
  if (rulesOf(gated).some((rule) => rule.type === 'pull_request' || rule.type === 'merge_queue'))
    return ok(row, 'by a ruleset');
  return fromClassic(row, gated, (protection) => protection.pullRequest, {
    found: 'a push to the branch needs none',
    next: `${IN_RULESET}: Require a pull request before merging`,
  });
}

/** The row that says whether a branch can be deleted or rewritten. Also asked of the ledger's branch. */
export function history(branch: BranchFacts, about: string, name: string): Finding {
  const row: Row = { row: name, about, asked: 'the branch cannot be deleted or rewritten' };
  const types = rulesOf(branch).map((rule) => rule.type);
  const open = ['deletion', 'non_fast_forward'].filter((type) => !types.includes(type));
  if (open.length === 0) return ok(row, 'by a ruleset');
  const words: Record<string, string> = { deletion: 'deleted', non_fast_forward: 'rewritten by a force push' };
  return fromClassic(
    row,
    branch,
    (protection) => open.every((type) => (type === 'deletion' ? !protection.deletions : !protection.forcePushes)),
    {
      found: `nothing keeps it from being ${open.map((type) => words[type]).join(' or ')}`,
      next: `${RULESETS}, a branch ruleset for ${branch.name}: Restrict deletions and Block force pushes`,
    },
  );
}

/** A row that no ruleset holds: classic protection decides, where it can be seen. */
function fromClassic(
  row: Row,
  branch: BranchFacts,
  holds: (protection: Protection) => boolean,
  otherwise: { found: string; next: string },
): Finding {
  const classic = classicOf(branch);
  if (classic === 'none') {
    return isSeen(branch.rules) ? missing(row, otherwise.found, otherwise.next) : unknown(row, branch.rules, LOOK);
  }
  if ('unseen' in classic) return unknown(row, classic, LOOK);
  if (classic.whole === null) return unknown(row, unseenOf(branch.protection), LOOK);
  if (holds(classic.whole)) return ok(row, 'by branch protection');
  return isSeen(branch.rules) ? missing(row, otherwise.found, otherwise.next) : unknown(row, branch.rules, LOOK);
}

export function rulesOf(branch: BranchFacts): Rule[] {
  return isSeen(branch.rules) ? branch.rules.value : [];
}

/** Classic protection: none; whole, or null where only some of it is seen; or not to be seen. */
export function classicOf({
  branch,
  protection,
}: BranchFacts): 'none' | { whole: Protection | null } | { unseen: string; needs: string | null } {
  if (isSeen(protection)) return protection.value === null ? 'none' : { whole: protection.value };
  if (!isSeen(branch)) return branch;
  if (branch.value === null || branch.value.classic === false || !branch.value.protected) return 'none';
  return branch.value.classic === true ? { whole: null } : protection;
}

function adminsHeld(gated: BranchFacts): Known {
  if (isSeen(gated.protection)) return gated.protection.value?.admins ?? false;
  const level = isSeen(gated.branch) ? (gated.branch.value?.enforcement ?? null) : null;
  if (level === 'everyone') return true;
  return level === 'non_admins' ? false : gated.protection;
}

function unseenOf(seen: Seen<unknown>): { unseen: string; needs: string | null } {
  return isSeen(seen) ? { unseen: 'GitHub did not say it', needs: null } : seen;
}

function holdersOf(gated: BranchFacts): Holder[] {
  const byRules = rulesOf(gated).flatMap((rule): Holder[] => {
    const check = rule.type === 'required_status_checks' ? checkIn(rule) : undefined;
    if (!check) return [];
    const ruleset = rule.ruleset === null ? undefined : gated.rulesets.get(rule.ruleset);
    const who = ruleset && isSeen(ruleset) ? `the ruleset ${named([ruleset.value.name])}` : 'a ruleset';
    const strict = rule.parameters.strict_required_status_checks_policy === true;
    return [{ who, kind: 'ruleset', ruleset: rule.ruleset, app: check.app, strict }];
  });
  const whole = isSeen(gated.protection) ? gated.protection.value : null;
  const part = isSeen(gated.branch) ? gated.branch.value : null;
  const check = (whole?.checks ?? part?.checks ?? []).find(({ context }) => context === GATE_CONTEXT);
  if (!check || part?.enforcement === 'off') return byRules;
  const strict = whole ? whole.strict : null;
  return [...byRules, { who: 'branch protection', kind: 'classic', ruleset: null, app: check.app, strict }];
}

function checkIn(rule: Rule): { app: number | null } | undefined {
  const list = rule.parameters.required_status_checks;
  const checks = (Array.isArray(list) ? list : []) as { context?: unknown; integration_id?: unknown }[];
  const check = checks.find((one) => one?.context === GATE_CONTEXT);
  return check && { app: typeof check.integration_id === 'number' ? check.integration_id : null };
}
