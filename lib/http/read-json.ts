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
  throw new AppError("bad_request", "The request must be JSON; send it with «Content-Type: application/json».");
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
  /** Its name and that of what holds it, like `operations.0.path`. */
  readonly field: string;
}

/** With a list of its own for what is to be looked at: a value may be nested deeper than functions can call each other. */
function requireSane(value: unknown): void {
  const open: Part[] = [{ part: value, depth: 0, field: "" }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { part, depth, field } = next;
    if (typeof part === "string") requireStorable(part, field);
    if (typeof part !== "object" || part === null) continue;
    if (depth === MAX_DEPTH)
      throw new AppError("bad_request", `The request is nested deeper than ${MAX_DEPTH} levels; send it flatter.`);
    for (const [name, each] of Object.entries(part)) {
      requireStorable(name, field);
      if (typeof each !== "string" && typeof each !== "object") continue; // 100,000 numbers need no names
      open.push({ part: each, depth: depth + 1, field: field === "" ? name : `${field}.${name}` });
    }
  }
}

function requireStorable(text: string, field: string): void {
  if (isStorableText(text)) return;
  throw new AppError(
    "bad_request",
    `${field === "" ? "The request" : `«${field.slice(0, 200)}» in the request`} holds a NUL or half of a character, which cannot be kept; take it out and send it again.`,
    { field },
  );
}
