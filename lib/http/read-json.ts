import { AppError } from "#lib/errors.ts";
import { isStorableText } from "#lib/util/storable.ts";
import { readText } from "./read-body.ts";

/** More than any body here has; what looks into a value calls itself for each level. */
const MAX_DEPTH = 64;

/** The body of a request as JSON whose texts can all be kept and looked for; nothing at all is `{}`. @throws bad_request, too_large */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  requireJson(request);
  const text = await readText(request, limit);
  if (text === "") return {};
  const value = parse(text);
  requireSane(value);
  return value;
}

/** A form of another site can send text/plain without asking first, but not this. */
function requireJson(request: Request): void {
  if (/^application\/json\b/i.test(request.headers.get("content-type") ?? "application/json")) return;
  throw new AppError("bad_request", "The request must be JSON; send it with “Content-Type: application/json”.");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("bad_request", "The request is not valid JSON; correct it and send it again.", {}, cause);
  }
}

interface Part {
  readonly part: unknown;
  readonly depth: number;
  /** Its name in what holds it. */
  readonly name: string | number;
  readonly within: Part | null;
}

/**
 * With a list of its own for what is to be looked at: a value may be nested deeper than functions can call each other. Nothing is made
 * for a number, and no address but that of a fault: 100,000 values are little work.
 */
function requireSane(value: unknown): void {
  const open: Part[] = [{ part: value, depth: 0, name: "", within: null }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { part, depth } = next;
    if (typeof part === "string") requireStorable(part, next);
    if (typeof part !== "object" || part === null) continue;
    if (depth === MAX_DEPTH)
      throw new AppError("bad_request", `The request is nested deeper than ${MAX_DEPTH} levels; send it flatter.`);
    const add = (each: unknown, name: string | number): void => {
      if (typeof each === "string" || (typeof each === "object" && each !== null))
        open.push({ part: each, depth: depth + 1, name, within: next });
    };
    if (Array.isArray(part)) for (let at = 0; at < part.length; at++) add(part[at], at);
    else
      for (const name of Object.keys(part)) {
        requireStorable(name, next);
        add((part as Readonly<Record<string, unknown>>)[name], name);
      }
  }
}

function requireStorable(text: string, place: Part): void {
  if (isStorableText(text)) return;
  const field = fieldOf(place);
  throw new AppError(
    "bad_request",
    `${field === "" ? "The request" : `“${field.slice(0, 200)}” in the request`} holds a NUL or half of a character, which cannot be kept; take it out and send it again.`,
    { field },
  );
}

/** Like `operations.0.path`; "" of the whole. */
function fieldOf({ name, within }: Part): string {
  if (within === null) return "";
  const before = fieldOf(within);
  return before === "" ? String(name) : `${before}.${name}`;
}
