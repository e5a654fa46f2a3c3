/** Inputs of one run, read once into a typed object. The runner only warns of unknown and missing ones: this refuses. */
import { closest } from '../../config/config.ts';
import { Failure } from '../../outcome/outcome.ts';
import { hide } from '../../secret/secret.ts';
import { ACTIONS, COMMON_INPUTS, type InputSpec, type Inputs, type Verb } from '../contract.ts';

/** How the door calls an input, for messages: `version` on a runner, `--version` in a shell. */
export type InputStyle = (name: string) => string;

/**
 * The typed inputs of a verb from what was given by name. An empty input falls back to CHANGELINE_<NAME>, then to
 * its default. Throws input-unknown, input-missing, input-invalid.
 */
export function readInputs<V extends Verb>(
  verb: V,
  given: Record<string, string>,
  env: Record<string, string | undefined>,
  style: InputStyle = (name) => name,
): Inputs<V> {
  const specs: Record<string, InputSpec> = { ...COMMON_INPUTS, ...ACTIONS[verb].inputs };
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(specs, name));
  if (unknown !== undefined) throw unknownInput(verb, unknown, Object.keys(specs), style);
  const inputs: Record<string, string | boolean | string[]> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const fallback = env[`CHANGELINE_${name.toUpperCase().replaceAll('-', '_')}`];
    const usable = spec.default?.startsWith('${{') ? '' : (spec.default ?? '');
    const text = (given[name] || fallback || usable).trim();
    if (spec.secret && text) hide(text);
    if (spec.required && !text) throw missingInput(verb, name, spec, style);
    inputs[name] = typed(name, text, spec, style);
  }
  return inputs as Inputs<V>;
}

function typed(name: string, text: string, spec: InputSpec, style: InputStyle): string | boolean | string[] {
  if (spec.type === 'list') {
    return text
      .split('\n')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
  }
  if (spec.type !== 'flag') return spec.secret && text.includes('\n') ? `${text}\n` : text;
  if (text === 'true' || text === 'false' || text === '') return text === 'true';
  throw new Failure({
    code: 'input-invalid',
    what: `${style(name)} is ${JSON.stringify(text.slice(0, 80))}`,
    why: 'it must be true or false',
    untouched: 'nothing was changed',
    next: `set ${style(name)} to true or false`,
  });
}

function unknownInput(verb: Verb, name: string, known: string[], style: InputStyle): Failure {
  const meant = closest(name, known);
  return new Failure({
    code: 'input-unknown',
    what: `${verb} has no input ${style(name)}`,
    why: meant
      ? `did you mean ${style(meant)}?`
      : `it has ${known
          .filter((one) => one !== 'job-status')
          .map(style)
          .join(', ')}`,
    untouched: 'nothing was changed',
    next: 'correct or remove it',
  });
}

function missingInput(verb: Verb, name: string, spec: InputSpec, style: InputStyle): Failure {
  return new Failure({
    code: 'input-missing',
    what: `${verb} needs ${style(name)}`,
    why: spec.description,
    untouched: 'nothing was changed',
    next: `give ${style(name)}`,
  });
}
