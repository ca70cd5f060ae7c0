import type { DescribedSchema } from "#lib/http/openapi.ts";

/** A field of a body or of an answer. */
export interface Field {
  /** Where it stands: “pair.recovered.low”, and “items[].id” in a list. Empty where the whole is not an object. */
  readonly path: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly says: string;
}

/** What lies deeper is for who reads the document itself. */
const DEEPEST = 5;

/** The fields of a schema in the order of the schema, each before those that are in it. */
export function fieldsOf(schema: DescribedSchema, path = "", isRequired = true, depth = 0): Field[] {
  const plain = withoutNull(schema);
  const own =
    path === "" && plain.properties !== undefined
      ? []
      : [{ path, type: typeOf(schema), isRequired, says: schema.description ?? plain.description ?? "" }];
  if (depth >= DEEPEST) return own;
  const inner = innerOf(plain, path);
  const needed = new Set(inner.schema.required ?? []);
  const below = Object.entries(inner.schema.properties ?? {}).flatMap(([name, each]) =>
    fieldsOf(each, inner.path === "" ? name : `${inner.path}.${name}`, needed.has(name), depth + 1),
  );
  return [...own, ...below];
}

/** The object that holds the fields: of a list what each of its items is. */
function innerOf(schema: DescribedSchema, path: string): { readonly schema: DescribedSchema; readonly path: string } {
  if (schema.items !== undefined) return innerOf(withoutNull(schema.items), `${path}[]`);
  return { schema, path };
}

const alternativesOf = (schema: DescribedSchema): readonly DescribedSchema[] => schema.anyOf ?? schema.oneOf ?? [];

/** A schema that also allows null, without that; any other as it is. */
function withoutNull(schema: DescribedSchema): DescribedSchema {
  const others = alternativesOf(schema).filter(({ type }) => type !== "null");
  return others.length === 1 ? others[0]! : schema;
}

/** “string”, “number or null”, “list of objects”, “one of "a", "b"”. */
export function typeOf(schema: DescribedSchema): string {
  const alternatives = alternativesOf(schema);
  if (alternatives.length > 0) return [...new Set(alternatives.map(typeOf))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  if (schema.type === "array") return schema.items === undefined ? "list" : `list of ${typeOf(schema.items)}`;
  if (schema.type === undefined) return "anything";
  const type = [schema.type].flat().join(" or ");
  return schema.format === undefined ? type : `${type} (${schema.format})`;
}
