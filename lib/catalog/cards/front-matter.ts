import { type Document, isMap, isScalar, parseDocument, visit } from "yaml";
import { AppError } from "#lib/errors.ts";
import { toStorableText } from "#lib/util/storable.ts";

const MAX_BYTES = 64 * 1024;
const MAX_ALIASES = 100; // each may repeat what it names: an alias bomb needs more
const MAX_DEPTH = 32;

/** What a YAML between lines of `---` says. Time and memory are for the caller to bound. @throws bad_request, and what the YAML parser says */
export function parseFrontMatter(yaml: string): Record<string, unknown> {
  requireShort(yaml);
  // The parser compares each name with all before it; a set does not.
  const document = parseDocument(yaml, { schema: "core", logLevel: "silent", uniqueKeys: false });
  const [error] = document.errors;
  if (error?.message.startsWith("Maximum call stack")) refuse("it is nested too deep; make it flatter.");
  if (error) throw error;
  requireUniqueNames(document);
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    refuse("it is not a list of “name: value”; write it like license: apache-2.0.");
  const json = toJson(value, 0) as Record<string, unknown>;
  requireShort(JSON.stringify(json));
  return json;
}

function requireUniqueNames(document: Document): void {
  visit(document, {
    Node: (_key, node) => {
      if (!isMap(node)) return;
      const names = new Set<unknown>();
      for (const { key } of node.items) {
        const name = isScalar(key) ? key.value : key;
        if (names.has(name)) refuse(`the name ${JSON.stringify(name)} stands in it twice; names must be unique.`);
        names.add(name);
      }
    },
  });
}

function requireShort(text: string): void {
  if (Buffer.byteLength(text) > MAX_BYTES)
    refuse(`it is longer than ${MAX_BYTES} bytes, or its aliases make it so; keep the text below it.`);
}

function refuse(sentence: string): never {
  throw new AppError("bad_request", sentence);
}

/** As the database can keep it: JSON without NUL and halves of characters, and not deep. */
function toJson(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) refuse(`it is nested more than ${MAX_DEPTH} deep; make it flatter.`);
  if (typeof value === "string") return toStorableText(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => toJson(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [toStorableText(name), toJson(each, depth + 1)]),
  );
}
