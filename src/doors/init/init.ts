/** `changeline init`: from a few answers to the files of a repository. Never writes over a file unasked. */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseConfig } from '../../config/config.ts';
import { Failure } from '../../outcome/outcome.ts';
import type { TerminalLog } from '../terminal.ts';
import { type Answers, collectAnswers, turnsGate, uatVariable } from './answers.ts';
import { configText, workflowText } from './files.ts';
import { scanHostKeys } from './fingerprints.ts';

const CONFIG = '.github/changeline.yml';

interface Written {
  file: string;
  text: string;
}

/** Runs the dialogue and writes what came of it. `home` is Changeline's own folder, with the example workflows. */
export async function run(options: string[], log: TerminalLog, home: string): Promise<number> {
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const answers = await collectAnswers(options, terminal);
  const files = await filesFor(answers, home);
  await refuseUseless(answers, files);
  await refuseOverwriting(files, answers.force);
  const known = await knownHosts(answers, log, terminal);
  for (const { file, text } of known ? [...files, known] : files) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    log.info(`wrote ${file}`);
  }
  sayNext(answers, known !== null, log);
  return 0;
}

async function filesFor(answers: Answers, home: string): Promise<Written[]> {
  const config = configText(answers);
  const variables = [answers.databaseVariable, uatVariable(answers)].filter(Boolean);
  const env = Object.fromEntries(variables.map((name) => [name, 'postgres://host/name']));
  // What is written must be what is read: checked here, so that a user never starts from a file with a mistake.
  if (config) parseConfig(config, { name: CONFIG, environment: 'production', choose: true, env });
  const workflows = await Promise.all(
    answers.workflows.map(async (name) => {
      const example = await readFile(join(home, 'workflows-examples', `${name}.yml`), 'utf8');
      return { file: `.github/workflows/${name}.yml`, text: workflowText(example, answers) };
    }),
  );
  return [...(config ? [{ file: CONFIG, text: config }] : []), ...workflows];
}

/** All but the gate read changeline.yml, which is not written without hosts. */
async function refuseUseless(
  { hosts, workflows, databaseVariable }: Answers,
  files: readonly Written[],
): Promise<void> {
  const nothing = { code: 'input-invalid', untouched: 'nothing was written' } as const;
  if (files.length === 0)
    throw new Failure({ ...nothing, what: 'there is nothing to write', next: 'name hosts, or choose workflows' });
  if (workflows.includes('backup') && hosts.length > 0 && !databaseVariable)
    throw new Failure({
      ...nothing,
      what: 'backup has nothing to back up',
      next: 'name the variable of a database (--database), or leave backup out',
    });
  const needing = workflows.filter((name) => name !== 'pull-request');
  if (hosts.length > 0 || needing.length === 0 || (await isThere(CONFIG))) return;
  throw new Failure({
    ...nothing,
    what: `${needing.join(', ')} ${needing.length === 1 ? 'needs' : 'need'} ${CONFIG}`,
    why: 'it is not there, and without hosts init writes none',
    next: 'name hosts (--hosts), or choose pull-request alone',
  });
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function refuseOverwriting(files: Written[], force: boolean): Promise<void> {
  if (force) return;
  const there: string[] = [];
  for (const { file } of files) if (await isThere(file)) there.push(file);
  if (there.length === 0) return;
  throw new Failure({
    code: 'input-invalid',
    what: `${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there already`,
    untouched: 'nothing was written',
    next: 'move them away, or give --force to write over them',
  });
}

async function knownHosts(answers: Answers, log: TerminalLog, terminal: boolean): Promise<Written | null> {
  const found = await scanHostKeys([...answers.uatHosts, ...answers.hosts]);
  if (found.length === 0) return null;
  log.info(
    'The keys that the hosts answer with. Compare them with what the hosts say of themselves (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub):',
  );
  for (const { host, fingerprints } of found)
    for (const print of fingerprints.length ? fingerprints : ['did not answer; add its key later'])
      log.info(`  ${host}  ${print}`);
  const lines = found.flatMap((each) => each.lines);
  if (lines.length === 0) return null;
  if (!answers.acceptFingerprints && !(await confirmed(terminal))) {
    log.warn(
      '.github/known_hosts was not written: the fingerprints were not confirmed (--accept-fingerprints in a script)',
    );
    return null;
  }
  return { file: '.github/known_hosts', text: `${lines.join('\n')}\n` };
}

async function confirmed(terminal: boolean): Promise<boolean> {
  if (!terminal) return false;
  const dialog = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await dialog.question('Are these right? [y/N] ')).trim());
  } finally {
    dialog.close();
  }
}

function sayNext(answers: Answers, keys: boolean, log: TerminalLog): void {
  log.info('');
  log.info('Next:');
  for (const line of [
    ...gateSteps(answers),
    ...approveSteps(answers),
    ...backupSteps(answers),
    ...drillSteps(answers),
    ...deliverySteps(answers, keys),
  ])
    log.info(`  ${line}`);
  log.info('  see what is missing in the rules of the repository: npx github:acme/changeline#v1 doctor');
}

function gateSteps({ workflows }: Answers): string[] {
  const turning = turnsGate(workflows).join(', ');
  if (!workflows.includes('pull-request'))
    return turning ? [`name ${turning} below workflow_run in the workflow of the gate, where you have one`] : [];
  return [
    'name the workflow that builds the main branch in .github/workflows/pull-request.yml, instead of CI',
    'make the status changeline/gate required in the rules of the main branch',
  ];
}

function backupSteps({ workflows }: Answers): string[] {
  if (!workflows.includes('backup')) return [];
  return [
    `make a key (age-keygen), put its public part into environments.production.backup.recipients of ${CONFIG}, and the key`,
    '  into the secret BACKUP_IDENTITY of the environment production, for the drill; say in backup.to where backups outlive the job',
  ];
}

function drillSteps({ workflows }: Answers): string[] {
  return workflows.includes('drill')
    ? [`say what is watched: environments.production.watch of ${CONFIG}; without it there is nothing to drill`]
    : [];
}

function approveSteps({ workflows, hosts }: Answers): string[] {
  if (!workflows.includes('approve')) return [];
  const where = `environments.production.approve of ${CONFIG}`;
  return [hosts.length > 0 ? `look at who must approve: ${where}` : `say who must approve: ${where}`];
}

function deliverySteps(answers: Answers, keys: boolean): string[] {
  if (answers.hosts.length === 0) return [];
  const remote = answers.hosts.some((host) => !/^\.{0,2}\//.test(host));
  const secrets = (variable: string) => `SSH_KEY${variable ? ` and ${variable}` : ''}`;
  const uat = `add the secrets of the GitHub environment uat: ${secrets(uatVariable(answers))}`;
  return [
    ...(!keys && remote ? ['add the keys of the hosts to .github/known_hosts'] : []),
    ...(answers.uatHosts.length > 0 ? [uat] : []),
    `add the secrets of the GitHub environment production: ${secrets(answers.databaseVariable)}; and restrict it to the main branch`,
    'see what is still missing: npx github:acme/changeline#v1 plan --environment production --version <version>',
  ];
}
