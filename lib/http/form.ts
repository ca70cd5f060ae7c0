import { z } from "zod";
import type { Actor } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { isHttps } from "#lib/env.ts";
import { AppError, failures } from "#lib/errors.ts";
import { behind, type Door, requireAdmission } from "./door.ts";
import { readText } from "./read-body.ts";
import { answering, type RouteContext } from "./route.ts";
import { requireSameOrigin } from "./same-origin.ts";
import { isStorableText } from "#lib/util/storable.ts";

/** What a form shows again: what was written, and what is wrong with it, by field; "" for the whole. */
export interface FormState {
  readonly values: Readonly<Record<string, string>>;
  readonly problems: Readonly<Record<string, string>>;
}

/** What somebody has sent. */
export interface Submission<Input> {
  readonly actor: Actor;
  readonly input: Input;
  readonly request: Request;
  readonly params: FormParams;
}

export interface Form<Schema extends z.ZodType> {
  /** The endpoint that does the same: who may use the one may use the other. Of a form with several buttons, by their names. */
  readonly does: Door | Readonly<Record<string, Door>>;
  /** The address of its page; of a page with names in its address, from these. */
  readonly page: string | ((params: FormParams) => string);
  readonly schema: Schema;
  /** Fields that are shown again when something is wrong: never a password. */
  readonly kept: readonly string[];
  /** A field that stands in the page's address, or several. */
  readonly inAddress?: string | readonly string[];
  /** Where somebody who has to sign in first comes back to; to the form's page where nothing is said. */
  readonly comesBackTo?: (fields: Readonly<Record<string, string>>) => string;
  /**
   * @returns the cookies for the answer, and as Location where to go from here; to the front page where it names none. Or the page itself,
   * where it shows what must be neither in an address nor in a cookie
   */
  submit(sent: Submission<z.output<Schema>>): Promise<Headers | Response>;
}

/** The names in the address of a page; `action` is the name of a button. */
type FormParams = Readonly<Record<string, string>>;

export const FORM_COOKIE = "guidepost-form";
const BODY_LIMIT = 16 * 1024;
const STATE_SECONDS = 60; // long enough to be shown once; a page cannot take a cookie back
const SHOWN_LENGTH = 254; // of a field: the longest address. All of a cookie must stay below 4 KB

/**
 * Behind a form that works without scripts: parses it with the schema of the API, and answers 303 — to the front page, or back to
 * the form, where the messages stand beside their fields, or to where what was done is seen.
 */
export function formRoute<Schema extends z.ZodType>({
  does,
  page,
  schema,
  kept,
  inAddress = [],
  comesBackTo,
  submit,
}: Form<Schema>): (request: Request, context?: RouteContext) => Promise<Response> {
  const doors = "permission" in does ? [does as Door] : Object.values(does as Readonly<Record<string, Door>>);
  const submitAt = async (door: Door, sent: Submission<z.output<Schema>>): Promise<Headers | Response> => {
    requireAdmission(sent.actor, door);
    return submit(sent);
  };
  return behind(doors, async (request: Request, context?: RouteContext) => {
    const params = ((await context?.params) ?? {}) as FormParams;
    const own = typeof page === "string" ? page : page(params);
    return answering(request, own, async () => {
      requireSameOrigin(request);
      const actor = await actorOf(request.headers);
      const door = "permission" in does ? (does as Door) : doorOf(does, params["action"] ?? "");
      const fields = await readForm(request);
      const query = new URLSearchParams(
        [inAddress].flat().flatMap((name) => (fields[name] ? [[name, fields[name]]] : [])),
      );
      const back = query.size > 0 ? `${own}?${query}` : own;
      if (actor.kind === "anonymous" && door.scope !== null)
        return seeOther(`/sign-in?next=${encodeURIComponent(comesBackTo?.(fields) ?? back)}`, new Headers());
      const answer = await check(schema, fields, (input) => submitAt(door, { actor, input, request, params }));
      if (answer instanceof Response) return answer;
      if (answer instanceof Headers) return seeOther(answer.get("Location") ?? "/", answer, stateCookie(own, null));
      const values = Object.fromEntries(kept.map((name) => [name, (fields[name] ?? "").slice(0, SHOWN_LENGTH)]));
      return seeOther(back, new Headers(), stateCookie(own, { values, problems: answer }));
    });
  });
}

/** What a page gives its form, from the cookie. Anybody can write their own cookie, so it is read like any input. */
export function parseFormState(cookie: string | undefined): FormState {
  try {
    return state.parse(JSON.parse(Buffer.from(cookie ?? "", "base64url").toString()));
  } catch {
    return { values: {}, problems: {} };
  }
}

/** 303: the browser fetches `page` by GET, and reloading it sends nothing again. */
export function seeOther(page: string, cookies: Headers, ...more: readonly string[]): Response {
  const headers = new Headers([
    ["Location", page],
    ...[...cookies.getSetCookie(), ...more].map((cookie) => ["Set-Cookie", cookie] as [string, string]),
  ]);
  return new Response(null, { status: 303, headers });
}

function doorOf(buttons: Readonly<Record<string, Door>>, action: string): Door {
  if (Object.hasOwn(buttons, action)) return buttons[action]!;
  throw new AppError("not_found", "There is no such button; go back to the page.");
}

async function check<Schema extends z.ZodType>(
  schema: Schema,
  fields: Readonly<Record<string, string>>,
  submit: (input: z.output<Schema>) => Promise<Headers | Response>,
): Promise<Headers | Response | Readonly<Record<string, string>>> {
  const unkeepable = Object.keys(fields).find((name) => !isStorableText(name) || !isStorableText(fields[name]!));
  if (unkeepable !== undefined) return { [unkeepable]: "It holds a NUL, which cannot be kept." };
  const parsed = schema.safeParse(fields);
  return parsed.success ? submit(parsed.data).catch(toProblems) : problemsOf(parsed.error);
}

async function readForm(request: Request): Promise<Record<string, string>> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers.get("content-type") ?? ""))
    throw new AppError("bad_request", "This address takes a form; use the page that it belongs to.");
  return Object.fromEntries(new URLSearchParams(await readText(request, BODY_LIMIT)));
}

const state = z.object({ values: z.record(z.string(), z.string()), problems: z.record(z.string(), z.string()) });

function stateCookie(page: string, shown: FormState | null): string {
  const value = shown ? Buffer.from(JSON.stringify(shown)).toString("base64url") : "";
  return `${FORM_COOKIE}=${value}; Path=${page}; Max-Age=${shown ? STATE_SECONDS : 0}; HttpOnly; SameSite=Lax${isHttps() ? "; Secure" : ""}`;
}

/** The first problem of each field. */
const problemsOf = (error: z.ZodError): Record<string, string> =>
  Object.fromEntries(
    error.issues
      .toReversed()
      .map(({ path, message }) => [
        (path.findLast((part) => typeof part === "string") as string | undefined) ?? "",
        `${message[0]!.toUpperCase()}${message.slice(1)}.`,
      ]),
  );

/** What a person can mend is told beside the form; what is ours is for the log. */
function toProblems(cause: unknown): Record<string, string> {
  if (!(cause instanceof AppError) || failures[cause.code].status >= 500) throw cause;
  const { field } = cause.detail;
  return { [typeof field === "string" ? field : ""]: cause.message };
}
