/** The page of changeline.yml, from its schema: a table for each section with key, meaning, default and example. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from '../src/config/schema.ts';

/** What a JSON Schema of `z.toJSONSchema` holds of one key. */
interface Shape {
  description?: string;
  type?: string | string[];
  enum?: string[];
  default?: unknown;
  examples?: unknown[];
  properties?: Record<string, Shape>;
  required?: string[];
  additionalProperties?: Shape | boolean;
  items?: Shape;
  anyOf?: Shape[];
}

/** One table: the section's path in the file, and its keys. */
interface Section {
  path: string;
  shape: Shape;
}

/** docs/configuration.md as a whole. */
export function configurationPage(): string {
  const top = z.toJSONSchema(configSchema, { io: 'input' }) as Shape;
  return `# Configuration

What the environments of a repository are stands in \`.github/changeline.yml\`. A section that is absent is a stage that is skipped, and said to be. An unknown key is an error with its line. \`changeline.schema.json\` completes and checks the file in an editor: begin it with \`# yaml-language-server: $schema=https://raw.githubusercontent.com/acme/changeline/v1/changeline.schema.json\`.

- \`\${NAME}\` is filled from the environment variable of that name, for the environment that is delivered to. In a database URL it is encoded as it must be. In a command (\`restart\`, \`drain\`, \`admit\`, \`isolate\`, \`log\`, \`command\`) it belongs to the shell that runs the command.
- \`{version}\`, \`{host}\` and the names below \`with\` are filled in where a key says so.
- A length of time is \`500ms\`, \`30s\`, \`5m\`, \`24h\` or \`7d\`.

This page is generated from \`src/config/schema.ts\` by \`npm run generate\`.
${sectionsOf({ path: '', shape: top }).map(sectionText).join('')}`;
}

/** A section and, depth first, those inside it. */
function sectionsOf(section: Section): Section[] {
  const inside = Object.entries(section.shape.properties ?? {}).flatMap(([key, shape]) => {
    const path = section.path ? `${section.path}.${key}` : key;
    return objectsIn(shape, path).flatMap(sectionsOf);
  });
  return [section, ...inside];
}

/** The objects with keys of their own that a key may hold: itself, the entries of a list, the values of a map. */
function objectsIn(shape: Shape, path: string): Section[] {
  if (shape.properties) return [{ path, shape }];
  const values =
    typeof shape.additionalProperties === 'object' ? objectsIn(shape.additionalProperties, `${path}.<name>`) : [];
  const entries = shape.items ? objectsIn(shape.items, `${path}[]`) : [];
  return [...values, ...entries, ...(shape.anyOf ?? []).flatMap((one) => objectsIn(one, path))];
}

function sectionText({ path, shape }: Section): string {
  const rows = Object.entries(shape.properties ?? {}).map(([key, one]) => {
    const required = shape.required?.includes(key) ? ' (required)' : '';
    const choices = one.enum ? `: ${one.enum.map(code).join(', ')}` : '';
    return `| ${code(key)} | ${cell(meaning(one, key, path))}${choices}${required} | ${value(one.default)} | ${value(one.examples?.[0])} |`;
  });
  const title = path === '' ? 'The file' : code(path.replace('environments.<name>.', ''));
  return `\n## ${title}\n\n| key | what it is | default | example |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** A key without words would be a page that explains nothing. */
function meaning({ description }: Shape, key: string, path: string): string {
  if (!description) throw new Error(`changeline.yml: ${path}.${key} has no description in src/config/schema.ts`);
  return description;
}

function value(given: unknown): string {
  if (given === undefined) return '';
  return code(
    typeof given === 'string'
      ? given
      : stringify(given, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim(),
  );
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll(/[|<]/g, '\\$&');
}
