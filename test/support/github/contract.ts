/** GitHub's published OpenAPI document as a judge: every request and every answer of the stand-in is held to it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { collect, complete, type Schema, unknownKeys } from './schemas.ts';

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}

interface Operation {
  parameters?: (Parameter & { $ref?: string })[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, { $ref?: string; content?: Record<string, { schema?: Schema }> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
}

/** A request as the stand-in took it apart. */
export interface Taken {
  path: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
}

/** One operation of the REST API, by its route: `GET /repos/{owner}/{repo}`. */
export interface Contract {
  /** What is wrong with a request; empty where nothing is. */
  request(taken: Taken): string[];
  /** The answer with the required parts that a handler left out, as GitHub would fill them. */
  filled(status: number, partial: unknown): unknown;
  /** What is wrong with an answer. */
  answer(status: number, body: unknown): string[];
}

const FILE = '@octokit/openapi/generated/api.github.com.json';
let loaded: Document | undefined;
const contracts = new Map<string, Contract>();

/** The contract of a route. Throws where GitHub has no such route. */
export function contractOf(route: string): Contract {
  const known = contracts.get(route);
  if (known) return known;
  loaded ??= JSON.parse(readFileSync(createRequire(import.meta.url).resolve(FILE), 'utf8')) as Document;
  const [method = '', path = ''] = route.split(' ');
  const operation = loaded.paths[path]?.[method.toLowerCase()];
  if (!operation) throw new Error(`GitHub's API has no ${route}`);
  const contract = new OperationContract(loaded, operation);
  contracts.set(route, contract);
  return contract;
}

class OperationContract implements Contract {
  readonly #document: Document;
  readonly #operation: Operation;
  readonly #parameters: Parameter[];
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: Document, operation: Operation) {
    this.#document = document;
    this.#operation = operation;
    this.#parameters = (operation.parameters ?? []).map((one) => this.#resolved<Parameter>(one));
  }

  request({ path, query, body }: Taken): string[] {
    const wrong: string[] = [];
    for (const parameter of this.#parameters) {
      const value = parameter.in === 'path' ? path[parameter.name] : query.get(parameter.name);
      if (parameter.in === 'header') continue;
      if (value === null || value === undefined) {
        if (parameter.required) wrong.push(`the ${parameter.in} parameter ${parameter.name} is missing`);
      } else {
        wrong.push(...this.#check(`parameter ${parameter.name}`, parameter.schema, { value }));
      }
    }
    const known = this.#parameters.filter((one) => one.in === 'query').map((one) => one.name);
    for (const name of query.keys()) if (!known.includes(name)) wrong.push(`the query parameter ${name} is unknown`);
    return [...wrong, ...this.#requestBody(body)];
  }

  filled(status: number, partial: unknown): unknown {
    const schema = this.#answerSchema(status);
    return schema ? complete(schema, partial, this.#document) : partial;
  }

  answer(status: number, body: unknown): string[] {
    const response = this.#operation.responses[String(status)];
    const schema = this.#answerSchema(status);
    // GitHub documents few of its refusals; those have the form that every refusal has.
    if (!schema && status >= 400)
      return typeof (body as { message?: unknown })?.message === 'string' ? [] : ['no message'];
    if (!response) return [`the status ${status} is not among those that GitHub gives here`];
    if (!schema) return body === undefined ? [] : [`the status ${status} has no JSON body`];
    const wrong = this.#check(`answer ${status}`, schema, { value: body });
    return status < 400 ? [...wrong, ...unknownKeys(schema, body, this.#document)] : wrong;
  }

  #requestBody(body: unknown): string[] {
    const declared = this.#operation.requestBody;
    if (body === undefined) return declared?.required ? ['the body is missing'] : [];
    const schema = declared?.content['application/json']?.schema;
    if (!schema) return ['a body is not expected'];
    return [...this.#check('body', schema, { value: body }), ...unknownKeys(schema, body, this.#document)];
  }

  #answerSchema(status: number): Schema | undefined {
    const response = this.#operation.responses[String(status)];
    if (!response) return undefined;
    return this.#resolved<Operation['responses'][string]>(response).content?.['application/json']?.schema;
  }

  #check(name: string, schema: Schema, holder: { value: unknown }): string[] {
    let validate = this.#validators.get(name);
    if (!validate) {
      const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: name.startsWith('parameter'), logger: false });
      formats.default(ajv);
      validate = ajv.compile({
        type: 'object',
        properties: { value: collect(schema, this.#document) },
        components: { schemas: collectAll(schema, this.#document) },
      });
      this.#validators.set(name, validate);
    }
    if (validate(holder)) return [];
    return (validate.errors ?? []).slice(0, 5).map((error) => `${name}${error.instancePath.slice(6)} ${error.message}`);
  }

  #resolved<T>(value: unknown): T {
    const reference = (value as { $ref?: string }).$ref;
    if (!reference) return value as T;
    const [, kind = '', name = ''] = /^#\/components\/([^/]+)\/(.+)$/.exec(reference) ?? [];
    return this.#document.components[kind]?.[name] as T;
  }
}

/** Every schema that `schema` refers to, however indirectly, by its name. */
function collectAll(schema: Schema, document: Document): Record<string, Schema> {
  const found: Record<string, Schema> = {};
  const waiting = [schema];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const [, name] of JSON.stringify(next).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (name! in found) continue;
      const referred = document.components.schemas?.[name!] as Schema;
      found[name!] = collect(referred, document);
      waiting.push(referred);
    }
  }
  return found;
}
