/** The rows of the ledger's branch: that workflows can write it, and who else can. Pure. */
import { classicOf, history, LOOK, RULESETS, rulesOf } from './branch.ts';
import type { BranchFacts, RepositoryFacts } from './facts.ts';
import { advice, type Finding, isSeen, missing, ok, type Row, unknown } from './finding.ts';
import { stepsOf } from './recognise.ts';

/** Rules that refuse a commit which comes by itself, in GitHub's words. */
const BLOCKS: Record<string, string> = {
  update: 'Restrict updates',
  pull_request: 'Require a pull request before merging',
  required_status_checks: 'Require status checks to pass',
  merge_queue: 'Require merge queue',
  required_deployments: 'Require deployments to succeed',
  workflows: 'Require workflows to pass before merging',
  code_scanning: 'Require code scanning results',
};

/** Rules that may refuse it, by what they are set to. */
const PATTERNS: Record<string, string> = {
  commit_message_pattern: 'the pattern of commit messages',
  commit_author_email_pattern: 'the pattern of author emails',
  committer_email_pattern: 'the pattern of committer emails',
};

/** Every row of the ledger's branch; none where the ledger is a directory. */
export function ledgerFindings(facts: RepositoryFacts): Finding[] {
  if (!facts.ledger) return [];
  const { repository, facts: branch } = facts.ledger;
  const about = `The ledger, the branch ${branch.name}${repository === facts.repository ? '' : ` of ${repository}`}`;
  return [writable(facts, branch, about), history(branch, about, 'ledger-history'), writers(branch, about)];
}

function writable(facts: RepositoryFacts, branch: BranchFacts, about: string): Finding {
  const row: Row = { row: 'ledger-writable', about, asked: 'no rule stops what the workflows write' };
  const look = `${LOOK} for rules on ${branch.name}`;
  if (!isSeen(branch.rules)) return unknown(row, branch.rules, look);
  const types = rulesOf(branch).map((rule) => rule.type);
  const classic = classicOf(branch);
  const whole = classic !== 'none' && 'whole' in classic ? classic.whole : null;
  const isNew = isSeen(branch.branch) && branch.branch.value === null;
  const blocked = [
    ...types.flatMap((type) => BLOCKS[type] ?? []),
    ...(isNew && types.includes('creation') ? ['Restrict creations'] : []),
    ...(whole?.pullRequest ? ['branch protection: Require a pull request before merging'] : []),
    ...(whole && whole.checks.length > 0 ? ['branch protection: Require status checks to pass before merging'] : []),
    ...(whole?.restricted ? ['branch protection: Restrict who can push to matching branches'] : []),
  ];
  const words = [...new Set(blocked)].join(', ');
  if (blocked.length > 0 && hasOwnToken(facts)) {
    return unknown(
      row,
      `${words}; the workflows have a token of their own`,
      `see whether its app is in the Bypass list of that ruleset`,
    );
  }
  if (blocked.length > 0) {
    return missing(
      row,
      `${words}: the token of a job is refused`,
      `${RULESETS} or Settings > Branches: exclude ${branch.name} from the rule`,
    );
  }
  if (classic !== 'none' && ('unseen' in classic || classic.whole === null)) {
    return unknown(row, 'unseen' in classic ? classic : withoutDetails(branch), look);
  }
  const patterns = types.flatMap((type) => PATTERNS[type] ?? []);
  if (patterns.length > 0) {
    return advice(
      row,
      `${patterns.join(' and ')} may refuse a commit`,
      `exclude ${branch.name} from it in ${RULESETS}`,
    );
  }
  return ok(row, 'none does');
}

function withoutDetails({ protection }: BranchFacts): { unseen: string; needs: string | null } {
  return isSeen(protection) ? { unseen: 'GitHub did not say it', needs: null } : protection;
}

function hasOwnToken({ files }: RepositoryFacts): boolean {
  if (!isSeen(files)) return false;
  return [...stepsOf(files.value, 'deliver'), ...stepsOf(files.value, 'deploy')].some((found) => found.token === 'own');
}

function writers(branch: BranchFacts, about: string): Finding {
  const row: Row = { row: 'ledger-writers', about, asked: 'only Changeline writes the branch' };
  const classic = classicOf(branch);
  const isClosed = rulesOf(branch).some((rule) => rule.type === 'update');
  if (isClosed || (classic !== 'none' && 'whole' in classic && classic.whole?.restricted)) {
    return ok(row, 'by Restrict updates; who is in its bypass list writes');
  }
  return advice(
    row,
    "everyone who can push to the repository can write it, and `after:` believes what stands there; no ruleset can let only the job's token in, since github-actions[bot] cannot be in a Bypass list",
    `give Changeline the token of a GitHub App, and make a ruleset for ${branch.name}: Restrict updates, with that app in the Bypass list; or keep the ledger in a repository that few can write (\`ledger: owner/name\`)`,
  );
}
