import type { Chance } from "./chance.ts";

/** As much of JSON Schema as zod writes. */
export interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly default?: unknown;
}

/** What stands well in a field of a name: texts that name something on the hub. */
export type Sound = ReadonlyMap<string, readonly string[]>;

/** A value that a schema may take, so that a request comes further than its form; not always one that it does take. */
export function fromSchema(schema: JsonSchema, name: string, sound: Sound, chance: Chance): unknown {
  const known = sound.get(name);
  if (known && (schema.type === "string" || schema.type === undefined)) return chance.of(known);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return chance.of(schema.enum);
  const one = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (one) return fromSchema(chance.of(one), name, sound, chance);
  if (schema.default !== undefined && chance.percent(30)) return schema.default;
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([key]) => schema.required?.includes(key) || chance.percent(60))
          .map(([key, part]) => [key, fromSchema(part, key, sound, chance)]),
      );
    case "array":
      return schema.prefixItems
        ? schema.prefixItems.map((part) => fromSchema(part, name, sound, chance))
        : Array.from({ length: 1 + chance.below(2) }, () => fromSchema(schema.items ?? {}, name, sound, chance));
    case "integer":
      return Math.max(schema.minimum ?? 1, 1);
    case "number":
      return schema.maximum !== undefined && chance.percent(20) ? schema.maximum : (schema.minimum ?? 1);
    case "boolean":
      return chance.percent(50);
    case "null":
      return null;
    default:
      return schema.format === "uuid" ? "00000000-0000-7000-8000-000000000001" : "word";
  }
}
