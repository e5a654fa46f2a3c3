/** A command line's options as inputs by name: `--name value`, `--name=value`, and `--flag` alone for true. */
import { Failure } from '../outcome/outcome.ts';
import { ACTIONS, COMMON_INPUTS, type InputSpec, type Verb } from '../stages/contract.ts';

/** The options of a verb. What it does not know is passed on, so that the frame can refuse it in its own words. */
export function parseOptions(verb: Verb, options: readonly string[]): Record<string, string> {
  const specs: Record<string, InputSpec> = { ...COMMON_INPUTS, ...ACTIONS[verb].inputs };
  return parseNamed(options, (name) => specs[name]);
}

/** How a shell is given an input: as an option, and a secret as a variable. */
export function asOption(name: string): string {
  const secret = [COMMON_INPUTS, ...Object.values(ACTIONS).map((action) => action.inputs)].some(
    (inputs: Record<string, InputSpec>) => inputs[name]?.secret,
  );
  return secret ? variableOf(name) : `--${name}`;
}

/** Options of a command that is no stage: only these names. Throws input-unknown. */
export function parseKnown(
  command: string,
  options: readonly string[],
  known: readonly string[],
): Record<string, string> {
  const given = parseNamed(options, (name) => (known.includes(name) ? {} : undefined));
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return given;
  throw new Failure({
    code: 'input-unknown',
    what: `${command} has no option --${unknown}`,
    why: `it has ${known.map((name) => `--${name}`).join(', ')}`,
    untouched: 'nothing was changed',
    next: 'correct or remove it',
  });
}

function variableOf(name: string): string {
  return `CHANGELINE_${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * As `parseOptions`, for any set of names. A list may be given several times. A name without a spec is passed on, with
 * '' where it has no value: that it is unknown says more than that its value is missing.
 */
export function parseNamed(
  options: readonly string[],
  specOf: (name: string) => Pick<InputSpec, 'type' | 'secret'> | undefined,
): Record<string, string> {
  const given: Record<string, string> = {};
  for (let index = 0; index < options.length; index++) {
    const option = options[index]!;
    const [, name, , inline] = /^--([a-z][a-z0-9-]*)(=([\s\S]*))?$/.exec(option) ?? [];
    if (!name) throw noOption(option, options[index - 1], specOf);
    const spec = specOf(name);
    const following = options[index + 1];
    const flag = spec?.type === 'flag' && inline === undefined && following !== 'true' && following !== 'false';
    const none = following === undefined || (/^--[a-z]/.test(following) && spec?.type !== 'list');
    if (spec && !flag && inline === undefined && none) throw wrong(`--${name} has no value`, `write --${name} value`);
    if (spec?.secret) throw secretOption(name);
    const value = flag ? 'true' : (inline ?? (none ? '' : following));
    if (!flag && inline === undefined && !none) index++;
    given[name] = spec?.type === 'list' && given[name] ? `${given[name]}\n${value}` : value;
  }
  return given;
}

/** A word where an option should be: after a flag it was meant as the flag's value. */
function noOption(
  word: string,
  before: string | undefined,
  specOf: (name: string) => Pick<InputSpec, 'type'> | undefined,
): Failure {
  if (before?.startsWith('--') && specOf(before.slice(2))?.type === 'flag')
    return wrong(`${before} is followed by ${JSON.stringify(word)}`, `write ${before} alone, or ${before} false`);
  return wrong(
    `${JSON.stringify(word)} is not an option`,
    'write options as --name value, and a value with spaces in quotes',
  );
}

function secretOption(name: string): Failure {
  return wrong(
    `--${name} would show a secret to everyone on this machine`,
    `give it as the environment variable ${variableOf(name)}`,
  );
}

function wrong(what: string, next: string): Failure {
  return new Failure({ code: 'input-invalid', what, untouched: 'nothing was changed', next });
}
