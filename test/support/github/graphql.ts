/** The GraphQL API: GitHub's published schema, executed by graphql-js over the stand-in's world. */
import {
  buildSchema,
  type DocumentNode,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  parse,
  validate,
} from 'graphql';
import type { Context } from './graphql-context.ts';
import { type Weight, weigh } from './graphql-limits.ts';
import { ROOT } from './graphql-root.ts';

let schema: GraphQLSchema | undefined;
const parsed = new Map<string, DocumentNode>();

/** A query that the schema allows, and what it weighs; or what is wrong with it. */
export type Prepared = { document: DocumentNode; weight: Weight; isMutation: boolean } | { unexpected: string[] };

/** Holds a query to the schema and weighs it. A query that GitHub does not know is a defect of the code, not an answer. */
export async function prepareGraphql(source: string, variables: Record<string, unknown>): Promise<Prepared> {
  schema ??= buildSchema((await import('@octokit/graphql-schema')).schema.idl, { assumeValidSDL: true });
  let document = parsed.get(source);
  if (!document) {
    try {
      document = parse(source);
    } catch (error) {
      return { unexpected: [(error as Error).message] };
    }
    const wrong = validate(schema, document);
    if (wrong.length > 0) return { unexpected: wrong.map((error) => error.message) };
    parsed.set(source, document);
  }
  const isMutation = document.definitions.some((one) => 'operation' in one && one.operation === 'mutation');
  return { document, weight: weigh(schema, document, variables), isMutation };
}

/** Executes one request. Returns GitHub's form: `type` stands beside `message`, not in `extensions`. */
export async function executeGraphql(document: DocumentNode, variables: Record<string, unknown>, context: Context) {
  const result = await execute({
    schema: schema!,
    document,
    variableValues: variables,
    contextValue: context,
    rootValue: ROOT,
  });
  const errors = result.errors ?? [];
  const unexpected = errors.filter(isUnexpected).map((error) => error.message);
  const told = errors.map((error) => ({
    ...(typeof error.extensions.type === 'string' ? { type: error.extensions.type } : {}),
    path: error.path,
    locations: error.locations,
    message: error.message,
  }));
  const data = result.data === undefined ? {} : { data: result.data };
  return { body: { ...data, ...(told.length > 0 ? { errors: told } : {}) }, unexpected };
}

/** A defect of the stand-in, or variables that the schema does not allow: no error that GitHub would type. */
function isUnexpected(error: GraphQLError): boolean {
  return typeof error.extensions.type !== 'string';
}
