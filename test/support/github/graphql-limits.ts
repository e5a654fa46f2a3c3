/** What GitHub refuses of a query before it runs it: connections without a bound, and more nodes than it will look at. */
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** A refusal in GitHub's form. */
export interface Refusal {
  type: string;
  path: string[];
  locations: { line: number; column: number }[];
  message: string;
}

/** What a query may read, by GitHub's way of counting. */
export interface Weight {
  /** Points of the rate limit. */
  cost: number;
  nodes: number;
  refusals: Refusal[];
}

const MOST_NODES = 500_000;
const MOST_A_PAGE = 100;

/** Weighs a query that the schema allows. */
export function weigh(schema: GraphQLSchema, document: DocumentNode, variables: Record<string, unknown>): Weight {
  const walk = new Walk(document, variables);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const root = definition.operation === 'mutation' ? schema.getMutationType() : schema.getQueryType();
    for (const { variable, defaultValue } of definition.variableDefinitions ?? [])
      if (defaultValue?.kind === Kind.INT) walk.defaults[variable.name.value] = Number(defaultValue.value);
    walk.into(schema, root?.name ?? 'Query', definition.selectionSet, 1, []);
  }
  const { nodes, requests, refusals } = walk;
  if (nodes > MOST_NODES) {
    const told = `This query requests up to ${nodes.toLocaleString('en')} possible nodes which exceeds the maximum limit of 500,000.`;
    refusals.push({ type: 'MAX_NODE_LIMIT_EXCEEDED', path: [], locations: [], message: told });
  }
  return { cost: Math.max(1, Math.round(requests / 100)), nodes, refusals };
}

class Walk {
  readonly defaults: Record<string, number> = {};
  readonly refusals: Refusal[] = [];
  nodes = 0;
  /** How often GitHub has to look to answer: once for each parent of each connection. */
  requests = 0;
  readonly #document: DocumentNode;
  readonly #variables: Record<string, unknown>;

  constructor(document: DocumentNode, variables: Record<string, unknown>) {
    this.#document = document;
    this.#variables = variables;
  }

  into(schema: GraphQLSchema, type: string, selections: SelectionSetNode, times: number, path: string[]): void {
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FIELD) {
        this.#field(schema, type, selection, times, path);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.into(schema, selection.typeCondition?.name.value ?? type, selection.selectionSet, times, path);
      } else {
        const fragment = this.#document.definitions.find(
          (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === selection.name.value,
        );
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION)
          this.into(schema, fragment.typeCondition.name.value, fragment.selectionSet, times, path);
      }
    }
  }

  #field(schema: GraphQLSchema, parent: string, field: FieldNode, times: number, path: string[]): void {
    const owner = schema.getType(parent);
    const known = owner && 'getFields' in owner ? owner.getFields()[field.name.value] : undefined;
    const type = known ? getNamedType(known.type) : undefined;
    if (!known || !type || !isCompositeType(type) || !field.selectionSet) return;
    const here = [...path, field.alias?.value ?? field.name.value];
    const isConnection = type.name.endsWith('Connection') && 'args' in known;
    const size = isConnection ? this.#bound(known as GraphQLField<unknown, unknown>, field, here) : null;
    if (size !== null) {
      this.nodes += times * size;
      this.requests += times;
    }
    this.into(schema, type.name, field.selectionSet, times * (size ?? 1), here);
  }

  #bound(known: GraphQLField<unknown, unknown>, field: FieldNode, path: string[]): number | null {
    if (!known.args.some((one) => one.name === 'first')) return null;
    for (const side of ['first', 'last'] as const) {
      const size = this.#value(field, side);
      if (size === null) continue;
      if (size > MOST_A_PAGE) {
        const told = `Requesting ${size} records on the \`${known.name}\` connection exceeds the \`${side}\` limit of 100 records.`;
        this.#refuse('EXCESSIVE_PAGINATION', field, path, told);
      }
      return size;
    }
    const told = `You must provide a \`first\` or \`last\` value to properly paginate the \`${known.name}\` connection.`;
    this.#refuse('MISSING_PAGINATION_BOUNDARIES', field, path, told);
    return 0;
  }

  #value(field: FieldNode, name: string): number | null {
    const given = field.arguments?.find((one) => one.name.value === name)?.value;
    if (given?.kind === Kind.INT) return Number(given.value);
    if (given?.kind !== Kind.VARIABLE) return null;
    const value = this.#variables[given.name.value] ?? this.defaults[given.name.value];
    return typeof value === 'number' ? value : null;
  }

  #refuse(type: string, field: FieldNode, path: string[], message: string): void {
    const start = field.loc?.startToken;
    this.refusals.push({
      type,
      path,
      locations: [{ line: start?.line ?? 0, column: start?.column ?? 0 }],
      message,
    });
  }
}
