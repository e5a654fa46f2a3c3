/** Schemas of OpenAPI 3.0: made into JSON Schema, used to complete an answer and to find keys they do not know. */

/** A schema as it stands in the document. */
export interface Schema {
  $ref?: string;
  type?: string;
  nullable?: boolean;
  enum?: unknown[];
  format?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  required?: string[];
  items?: Schema;
  minItems?: number;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  [other: string]: unknown;
}

interface Components {
  components: Record<string, Record<string, unknown>>;
}

/** The schema as JSON Schema: OpenAPI's `nullable` spelt out, examples left away. */
export function collect(schema: Schema, document: Components): Schema {
  return translated(schema, document) as Schema;
}

function translated(value: unknown, document: Components): unknown {
  if (Array.isArray(value)) return value.map((one) => translated(one, document));
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, example: _, examples: __, default: ___, ...rest } = value as Schema;
  const schema = Object.fromEntries(
    Object.entries(rest).map(([key, one]) => [key, translated(one, document)]),
  ) as Schema;
  return nullable === true ? { anyOf: [schema, { type: 'null' }] } : schema;
}

/** What the schema says of an object, with references followed and `allOf` joined. */
function resolved(schema: Schema, document: Components): Schema {
  if (schema.$ref) {
    const name = schema.$ref.replace('#/components/schemas/', '');
    return resolved(document.components.schemas?.[name] as Schema, document);
  }
  if (!schema.allOf) return schema;
  const parts = schema.allOf.map((part) => resolved(part, document));
  return {
    ...schema,
    type: 'object',
    properties: Object.assign({}, schema.properties, ...parts.map((part) => part.properties)),
    required: [...(schema.required ?? []), ...parts.flatMap((part) => part.required ?? [])],
  };
}

/** `partial` with every required part that it lacks, as plain as the schema allows. */
export function complete(schema: Schema, partial: unknown, document: Components): unknown {
  const known = resolved(schema, document);
  if (partial === null) return null;
  if (Array.isArray(partial)) return partial.map((one) => (known.items ? complete(known.items, one, document) : one));
  if (partial !== undefined && typeof partial !== 'object') return partial;
  if (partial === undefined) {
    if (known.nullable || schema.nullable) return null;
    if (known.enum) return known.enum[0];
    if (known.type && known.type !== 'object') return plainest(known, document);
  }
  const choices = known.oneOf ?? known.anyOf;
  if (choices && !known.properties) return complete(fitting(choices, partial, document), partial, document);
  const full: Record<string, unknown> = { ...(partial as object | undefined) };
  for (const [name, property] of Object.entries(known.properties ?? {})) {
    if (name in full ? full[name] !== undefined : known.required?.includes(name)) {
      full[name] = complete(property, full[name], document);
    }
  }
  return full;
}

/** Of several schemas, the one that knows most of the keys that are there and allows what they say. */
function fitting(choices: Schema[], partial: unknown, document: Components): Schema {
  const given = Object.entries((partial ?? {}) as object);
  const score = (choice: Schema) => {
    const { properties = {} } = resolved(choice, document);
    const isOther = given.some(([key, value]) => properties[key]?.enum?.includes(value) === false);
    return isOther ? -1 : given.filter(([key]) => key in properties).length;
  };
  return choices.toSorted((a, b) => score(b) - score(a))[0]!;
}

function plainest(schema: Schema, document: Components): unknown {
  switch (schema.type) {
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => complete(schema.items ?? {}, undefined, document));
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    default:
      return (
        { uri: 'https://github.example/', 'date-time': '2026-01-01T00:00:00Z', date: '2026-01-01' }[
          schema.format ?? ''
        ] ?? 'x'
      );
  }
}

/** Keys of objects that the schema does not know: a misspelt one would otherwise pass. */
export function unknownKeys(schema: Schema, value: unknown, document: Components, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const known = resolved(schema, document);
  if (Array.isArray(value)) {
    return known.items ? value.flatMap((one, index) => unknownKeys(known.items!, one, document, `${at}/${index}`)) : [];
  }
  const choices = known.oneOf ?? known.anyOf;
  if (choices && !known.properties) return unknownKeys(fitting(choices, value, document), value, document, at);
  if (!known.properties || known.additionalProperties) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    const property = known.properties?.[key];
    return property ? unknownKeys(property, one, document, `${at}/${key}`) : [`the key ${at}/${key} is unknown`];
  });
}
