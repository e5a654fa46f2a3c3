/** What `changeline help` says: made from the contract, so that it cannot be wrong. */
import { ACTIONS, COMMON_INPUTS, type InputSpec, type Verb } from '../stages/contract.ts';
import { COMMANDS } from './commands.ts';

/** The first screen of help. */
export function help(): string {
  const rows = (entries: [string, string][]) =>
    entries.map(([name, text]) => `  ${name.padEnd(11)} ${text}`).join('\n');
  return [
    'Changeline carries a change to production, and back.',
    '',
    'Usage: changeline <verb> --name value',
    '',
    'Stages (each is also a GitHub Action):',
    rows(Object.entries(ACTIONS).map(([verb, spec]) => [verb, spec.description])),
    '',
    'Also:',
    rows(Object.entries(COMMANDS).map(([name, command]) => [name, command.title])),
    '',
    '`changeline <verb> --help` lists the options of one. --verbose shows details.',
    'Exit codes: 0 passed or skipped, 1 failed, 2 wrong options or configuration, 3 inconclusive, 4 waiting.',
  ].join('\n');
}

/** The options of one verb. */
export function helpFor(verb: Verb): string {
  const spec = ACTIONS[verb];
  const { 'job-status': _, ...common } = COMMON_INPUTS;
  const inputs: Record<string, InputSpec> = { ...spec.inputs, ...common };
  const rows = Object.entries(inputs).map(([name, input]) => {
    const option = input.secret ? `CHANGELINE_${name.toUpperCase().replaceAll('-', '_')}` : `--${name}`;
    const notes = [
      input.required ? 'required' : '',
      input.default && !input.default.startsWith('${{') ? `default ${input.default}` : '',
    ];
    const note = notes.filter(Boolean).join(', ');
    return `  ${option.padEnd(22)} ${input.description}${note ? ` (${note})` : ''}`;
  });
  return [`changeline ${verb}: ${spec.description}`, '', 'Options (or CHANGELINE_<NAME>):', ...rows].join('\n');
}
