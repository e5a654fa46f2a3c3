/** The rows of each environment: that only the default branch reaches its secrets, and who is asked. Pure. */
import { classicOf } from './branch.ts';
import type { GitHubEnvironment, RepositoryFacts, WorkflowFile } from './facts.ts';
import { advice, type Finding, isSeen, missing, named, ok, type Row, unknown } from './finding.ts';
import { type Found, stepsOf } from './recognise.ts';

/** Every row of the asked environments that have hosts. */
export function environmentFindings(facts: RepositoryFacts, files: readonly WorkflowFile[] | null): Finding[] {
  return facts.asked.flatMap((name) => {
    const sections = facts.config?.environments[name];
    if (!sections?.hosts?.length) return [];
    const about = `The environment ${name}`;
    const uses = files ? [guarded(name, about, deliveriesTo(name, facts, files))] : [];
    return [...onGitHub(name, about, facts), ...uses];
  });
}

/** The steps that deliver to an environment, as far as the files say where they deliver. */
export function deliveriesTo(name: string, { config }: RepositoryFacts, files: readonly WorkflowFile[]): Found[] {
  const only = Object.keys(config?.environments ?? {}).length === 1;
  return [...stepsOf(files, 'deliver'), ...stepsOf(files, 'deploy')].filter(
    ({ environment }) => environment === name || (environment === '' && only),
  );
}

function onGitHub(name: string, about: string, facts: RepositoryFacts): Finding[] {
  const settings = `Settings > Environments > ${name}`;
  const there: Row = { row: 'environment', about, asked: 'GitHub has an environment of that name' };
  if (!isSeen(facts.environments)) return [unknown(there, facts.environments, 'look at Settings > Environments')];
  const environment = facts.environments.value.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (!environment) {
    const next = `Settings > Environments > New environment: ${name}; put the SSH key and the other secrets there`;
    return [missing(there, 'it has none, so nothing guards its secrets', next)];
  }
  return [
    ok(there, 'it has'),
    restricted(environment, about, settings, facts),
    asked(name, environment, about, settings, facts),
  ];
}

function restricted(
  { branches, policies }: GitHubEnvironment,
  about: string,
  settings: string,
  { defaultBranch, gated }: RepositoryFacts,
): Finding {
  const row: Row = { row: 'environment-branches', about, asked: `only ${defaultBranch} can deploy to it` };
  const next = `${settings}, Deployment branches and tags: Selected branches and tags, with ${defaultBranch} alone`;
  if (branches === 'all') return missing(row, 'every branch can: whoever can push reads its secrets', next);
  if (branches === 'protected') {
    const classic = gated.name === defaultBranch ? classicOf(gated) : null;
    if (classic !== null && classic !== 'none' && 'whole' in classic) return ok(row, 'protected branches can');
    return unknown(
      row,
      'branches with a branch protection rule can',
      `see in Settings > Branches that ${defaultBranch} has one; ${settings}: Selected branches and tags leaves no doubt`,
    );
  }
  if (!isSeen(policies)) return unknown(row, policies, `look at ${settings}`);
  const others = policies.value.filter(({ name, type }) => type === 'tag' || name !== defaultBranch);
  if (others.length === 0 && policies.value.length > 0) return ok(row, 'as asked');
  const names = named(others.map(({ name, type }) => (type === 'tag' ? `${name} (tag)` : name)));
  const wide = others.some(({ name }) => /^[*/]+$/.test(name));
  if (wide) return missing(row, `${names} can, which is every branch or tag of that form`, next);
  if (!policies.value.some(({ name, type }) => type !== 'tag' && (name === defaultBranch || /[*?[]/.test(name)))) {
    return missing(row, `${defaultBranch} cannot${names ? `, ${names} can` : ''}: a delivery from it is refused`, next);
  }
  return advice(row, `${names} can too`, next);
}

function asked(
  name: string,
  { reviewers }: GitHubEnvironment,
  about: string,
  settings: string,
  { config }: RepositoryFacts,
): Finding {
  const row: Row = { row: 'environment-people', about, asked: 'a person is asked before a version goes there' };
  const approve = config?.environments[name]?.approve;
  const found = [
    ...(approve ? [approve.asks === 'acceptance' ? 'acceptance in changeline.yml' : 'approve in changeline.yml'] : []),
    ...(reviewers > 0 ? [`${reviewers} required reviewer${reviewers === 1 ? '' : 's'}, one of whom is enough`] : []),
  ];
  if (found.length > 0) return ok(row, found.join(' and '));
  const next = `${settings}: Required reviewers; or the section approve in changeline.yml. Nothing, if every commit is to go there by itself`;
  return advice(row, 'nobody is', next);
}

function guarded(name: string, about: string, deliveries: Found[]): Finding {
  const row: Row = { row: 'environment-used', about, asked: 'the jobs that deliver to it run in it' };
  if (deliveries.length === 0) {
    return unknown(
      row,
      'no workflow here says that it delivers to it',
      `see that such a job has \`environment: ${name}\``,
    );
  }
  const outside = deliveries.filter(({ job }) => {
    const said = job.environment.toLowerCase();
    return said !== name.toLowerCase() && !said.includes('${{');
  });
  if (outside.length === 0) return ok(row, deliveries.map(inWords).join('; '));
  const next = `environment: ${name}, in the job`;
  return missing(row, `${outside.map(inWords).join('; ')}: not in the environment, so its rules do not count`, next);
}

function inWords({ workflow, job }: Found): string {
  return `${workflow.path}, job ${job.id}`;
}
