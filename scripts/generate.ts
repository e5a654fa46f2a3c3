/**
 * Writes what follows from the contract: each action.yml with its door, the tables of the READMEs, the list of codes,
 * the JSON Schema of changeline.yml and the page about it. A test compares the same texts with what is on disk.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from '../src/config/schema.ts';
import { CODES } from '../src/outcome/outcome.ts';
import {
  ACTIONS,
  type ActionSpec,
  COMMON_INPUTS,
  COMMON_OUTPUTS,
  type InputSpec,
  type OutputSpec,
  VERBS,
  type Verb,
} from '../src/stages/contract.ts';
import { configurationPage } from './configuration.ts';
import { root } from './tools.ts';

const SCHEMA = 'changeline.schema.json';

/** The action of the repository's root: the whole line. */
const ROOT: Verb = 'deliver';

/** Files that are generated as a whole: path from the root → content. */
export function wholeFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const verb of VERBS) {
    const folder = verb === ROOT ? '' : `actions/${verb}/`;
    files.set(`${folder}action.yml`, actionYml(ACTIONS[verb]));
    files.set(`${folder}main.js`, door(verb));
  }
  files.set(SCHEMA, jsonSchema());
  files.set('docs/codes.md', codesPage());
  files.set('docs/configuration.md', configurationPage());
  return files;
}

/** Tables that stand inside files written by hand: path → the marker's word → the table. */
export function tables(): Map<string, Record<string, string>> {
  const files = new Map<string, Record<string, string>>();
  for (const verb of VERBS) files.set(readmeOf(verb), { inputs: inputTable(verb), outputs: outputTable(verb) });
  files.set('README.md', { actions: actionTable() });
  return files;
}

/** Puts each table between its markers `<!-- word -->` and `<!-- /word -->`. Throws where a marker is missing. */
export function filled(text: string, contents: Record<string, string>, path: string): string {
  return Object.entries(contents).reduce((whole, [word, table]) => {
    const [opening, closing] = [`<!-- ${word} -->`, `<!-- /${word} -->`];
    const [start, end] = [whole.indexOf(opening), whole.indexOf(closing)];
    if (start < 0 || end < start) throw new Error(`${path} lacks the markers ${opening} and ${closing}`);
    return `${whole.slice(0, start + opening.length)}\n\n${table}\n\n${whole.slice(end)}`;
  }, text);
}

/** The page that tells about an action. The root action's stands beside the others', for the root has its own README. */
export function readmeOf(verb: Verb): string {
  return verb === ROOT ? 'docs/deliver.md' : `actions/${verb}/README.md`;
}

function actionYml(spec: ActionSpec): string {
  const yml = {
    name: spec.title,
    description: spec.description,
    author: 'Changeline contributors',
    branding: { icon: 'git-merge', color: 'green' },
    inputs: Object.fromEntries(Object.entries(inputsOf(spec)).map(([name, input]) => [name, inputYml(input)])),
    outputs: outputsOf(spec),
    runs: { using: 'node24', main: 'main.js', post: 'main.js', 'post-if': 'always()' },
  };
  return `# Generated from src/stages/contract.ts by npm run generate\n${stringify(yml, { lineWidth: 0 })}`;
}

function inputYml({ description, required, default: fallback }: InputSpec): Record<string, unknown> {
  return { description, required: required ?? false, ...(fallback === undefined ? {} : { default: fallback }) };
}

function door(verb: Verb): string {
  const bundle = verb === ROOT ? './dist/index.js' : '../../dist/index.js';
  return `import { action } from '${bundle}';\n\nawait action('${verb}');\n`;
}

function inputsOf(spec: ActionSpec): Record<string, InputSpec> {
  return { ...spec.inputs, ...COMMON_INPUTS };
}

function outputsOf(spec: ActionSpec): Record<string, OutputSpec> {
  return { ...spec.outputs, ...COMMON_OUTPUTS };
}

function inputTable(verb: Verb): string {
  const rows = Object.entries(inputsOf(ACTIONS[verb])).map(([name, input]) => [
    code(name),
    cell(input.description) + (input.required ? ' (required)' : ''),
    input.default === undefined ? '' : code(input.default),
  ]);
  return table(['input', 'what it is', 'default'], rows);
}

function outputTable(verb: Verb): string {
  const rows = Object.entries(outputsOf(ACTIONS[verb])).map(([name, output]) => [code(name), cell(output.description)]);
  return table(['output', 'what it is'], rows);
}

function actionTable(): string {
  const rows = VERBS.map((verb) => {
    const spec: ActionSpec = ACTIONS[verb];
    const used = verb === ROOT ? 'acme/changeline@v1' : `acme/changeline/actions/${verb}@v1`;
    return [
      `[${verb === ROOT ? 'the whole line' : verb}](${readmeOf(verb)})`,
      code(used),
      cell(spec.description),
      spec.config === 'needed' ? 'no' : 'yes',
    ];
  });
  return table(['action', 'uses', 'what it does', 'works without changeline.yml'], rows);
}

function codesPage(): string {
  const rows = Object.entries(CODES).map(([word, meaning]) => [code(word), cell(meaning)]);
  return `# Codes

Every action has an output \`code\`: one word of this closed list. Words are added, never renamed. Generated from
\`src/outcome/codes.ts\` by \`npm run generate\`.

${table(['code', 'what it means'], rows)}
`;
}

function jsonSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input' });
  const titled = {
    $schema,
    title: 'changeline.yml',
    description: 'What the environments of a repository are',
    ...schema,
  };
  return `${JSON.stringify(titled, null, 2)}\n`;
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll(/[|<]/g, '\\$&');
}

/** Writes what differs and says what it wrote. A page to be filled that is not there is an error. */
function generate(): void {
  const wanted = wholeFiles();
  for (const [path, contents] of tables()) {
    if (existsSync(join(root, path))) wanted.set(path, filled(readFileSync(join(root, path), 'utf8'), contents, path));
    else fail(`${path} is not there: write it by hand first, with markers for ${Object.keys(contents).join(' and ')}`);
  }
  for (const [path, content] of wanted) {
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    console.log(path);
  }
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}

if (import.meta.main) generate();
