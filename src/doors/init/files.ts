/** The files that `changeline init` writes, as texts. Pure. */
import { stringify } from 'yaml';
import { type Answers, turnsGate, uatVariable } from './answers.ts';

/** A user's changeline.yml. Null where there is nothing to deliver yet: the gate needs none. */
export function configText(answers: Answers): string | null {
  if (answers.hosts.length === 0) return null;
  const environments: Record<string, unknown> = {};
  if (answers.uatHosts.length > 0) {
    const uat = { ...answers, hosts: answers.uatHosts, url: answers.uatUrl, databaseVariable: uatVariable(answers) };
    environments.uat = environment(uat, {});
  }
  const after = answers.uatHosts.length > 0 ? { after: 'uat' } : {};
  const approve = answers.workflows.includes('approve') ? { approve: { required: 1, from: ['role:maintain'] } } : {};
  environments.production = { ...environment(answers, after), ...approve };
  const config = { name: answers.name, artifact: `run:${answers.name}-{version}`, environments };
  return [
    '# What the environments are. `npx github:acme/changeline#v1 plan --version …` says what is still missing.',
    '# Every key: https://github.com/acme/changeline/blob/v1/docs/configuration.md',
    stringify(config, { lineWidth: 0 }),
  ].join('\n');
}

function environment(answers: Answers, first: Record<string, unknown>): Record<string, unknown> {
  const { hosts, url, databaseVariable: variable, migrations } = answers;
  return {
    ...first,
    hosts,
    ...(hosts.some((host) => !/^\.{0,2}\//.test(host)) ? { path: answers.path } : {}),
    ...(variable
      ? { database: '${NAME}'.replace('NAME', variable), backup: { to: './backups', level: 'compared' } }
      : {}),
    ...(variable && migrations ? { migrate: { from: migrations } } : {}),
    deploy: { ...(answers.restart ? { restart: answers.restart } : {}), waves: [1, '100%'] },
    ...(url ? { 'smoke-test': [url] } : {}),
  };
}

/** A workflow of the examples, with what this user said filled in. */
export function workflowText(example: string, answers: Answers): string {
  const named = example.replaceAll('shop-', `${answers.name}-`).replace(/^( +workflows: )\[CI, .*\]$/m, (_, key) => {
    return `${key}[${['CI', ...turnsGate(answers.workflows)].join(', ')}]`;
  });
  const text = answers.uatHosts.length > 0 ? named : withoutUat(named);
  if (!answers.databaseVariable)
    return text.replace(/^ *env:\n *SHOP_DATABASE_URL: .*\n/gm, '').replace(/^ *SHOP_DATABASE_URL: .*\n/gm, '');
  return withUatVariable(text.replaceAll('SHOP_DATABASE_URL', answers.databaseVariable), uatVariable(answers));
}

/** Without UAT production follows the build. */
function withoutUat(text: string): string {
  return text
    .replace(/^ {2}uat:\n[\s\S]*?(?=^ {2}production:$)/m, '')
    .replace(/^( {4}needs:) uat$/m, '$1 build')
    .replace('options: [production, uat]', 'options: [production]');
}

/** The inputs of a step that goes to UAT, or where its user says, and the beginning of its variables if it has some. */
const UAT_STEP =
  /^( +)with:\n(?:\1 {2}\S.*\n)*?\1 {2}environment: (?:uat|\$\{\{ inputs\.environment \}\})\n(?:\1 {2}\S.*\n)*(?:\1env:\n)?/gm;

function withUatVariable(text: string, name: string): string {
  if (name === '') return text;
  return text.replace(UAT_STEP, (step: string, indent: string) => {
    const env = `${indent}env:\n`;
    return `${step}${step.endsWith(env) ? '' : env}${indent}  ${name}: \${{ secrets.${name} }}\n`;
  });
}
