import { toCursor } from "#lib/page.ts";
import type { Chance } from "./chance.ts";
import { fromSchema, type Sound } from "./from-schema.ts";
import { hostileBodies, hostileEscapes, hostileHeaders, hostileJson, hostileTexts, methods } from "./hostile-values.ts";
import type { Target } from "./targets.ts";

/** A request as it goes over the wire: nothing of it is escaped or corrected any more. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

/** Who sends it: the headers that say so. */
export type Sender = Readonly<Record<string, string>>;

/** What of a request is bad. One or two of them are, so that the rest carries it as far as it goes. */
const spots = ["path", "query", "body", "header", "method", "address"] as const;
type Spot = (typeof spots)[number];

/** A request to `target` that is well formed but in one or two places. */
export function hostileRequest(target: Target, sender: Sender, sound: Sound, chance: Chance): WireRequest {
  const bad = [spotIn(target, chance), ...(chance.percent(25) ? [chance.of(spots)] : [])];
  return request(target, sender, sound, chance, new Set(bad));
}

/** A request to `target` that is well formed. */
export const soundRequest = (target: Target, sender: Sender, sound: Sound, chance: Chance): WireRequest =>
  request(target, sender, sound, chance, new Set());

function request(target: Target, sender: Sender, sound: Sound, chance: Chance, bad: ReadonlySet<Spot>): WireRequest {
  const method = bad.has("method") ? chance.of(methods) : target.method;
  const path = pathOf(target, bad.has("path"), sound, chance);
  const query = queryOf(target, bad.has("query"), sound, chance);
  const body = bodyOf(target, bad.has("body"), sound, chance);
  const headers: Record<string, string> = {
    ...sender,
    ...(body && { "content-type": body.type, "content-length": String(body.bytes.length) }),
  };
  if (bad.has("header"))
    for (let count = 1 + chance.below(2); count > 0; count--) {
      const [name, value] = chance.of(hostileHeaders);
      headers[name] = value;
    }
  const address = `${path}${query === "" ? "" : `?${query}`}`;
  return {
    method,
    path: bad.has("address") ? spoiled(address, chance) : address,
    headers,
    body: body?.bytes ?? null,
  };
}

/** A place that this target has. */
function spotIn({ path, query, body }: Target, chance: Chance): Spot {
  const there: Spot[] = ["header", "address", "method"];
  if (path.includes("{")) there.push("path", "path", "path");
  if (query.length > 0) there.push("query", "query", "query", "query");
  if (body) there.push("body", "body", "body", "body");
  return chance.of(there);
}

const escaped = (text: string): string => encodeURIComponent(text.toWellFormed());

/** In an address: escaped as a browser does it, or as it never would. */
const hostileInAddress = (chance: Chance): string =>
  chance.percent(50) ? escaped(chance.of(hostileTexts)) : chance.of(hostileEscapes);

function pathOf({ path }: Target, isBad: boolean, sound: Sound, chance: Chance): string {
  const names = [...path.matchAll(/\{(\w+)(\*?)\}/g)].map(([, name]) => name!);
  const spoilt = isBad && names.length > 0 ? chance.of(names) : null;
  return path.replaceAll(/\{(\w+)(\*?)\}/g, (_all, name: string, many: string) => {
    if (name === spoilt) return hostileInAddress(chance);
    const value = chance.of(sound.get(name) ?? ["word"]);
    return many ? value.split("/").map(escaped).join("/") : escaped(value);
  });
}

function queryOf({ query }: Target, isBad: boolean, sound: Sound, chance: Chance): string {
  const chosen = query.filter(() => chance.percent(query.length > 12 ? 12 : 40));
  const spoilt = isBad && query.length > 0 ? chance.of(query) : null;
  const fields = chosen
    .filter((field) => field !== spoilt)
    .map(({ name, schema }) => [name, escaped(textOf(fromSchema(schema, name, sound, chance)))]);
  if (spoilt) fields.push([spoilt.name, hostileInQuery(spoilt.name, sound, chance)]);
  if (spoilt && chance.percent(15)) fields.push([spoilt.name, hostileInAddress(chance)]); // twice
  if (isBad && chance.percent(10)) fields.push([hostileInAddress(chance), hostileInAddress(chance)]);
  return fields.map(([name, value]) => `${name}=${value}`).join("&");
}

const hostileInQuery = (name: string, sound: Sound, chance: Chance): string =>
  name === "cursor" && chance.percent(80) ? hostileCursor(sound, chance) : hostileInAddress(chance);

/** One that a list gave, with another value in a place of it; or a place that no list has. */
function hostileCursor(sound: Sound, chance: Chance): string {
  const values = [...hostileTexts.map((text): unknown => text), ...hostileJson];
  const given = sound.get("cursor") ?? [];
  const place =
    given.length > 0 && chance.percent(80)
      ? (JSON.parse(Buffer.from(chance.of(given), "base64url").toString()) as unknown[])
      : Array.from({ length: chance.below(4) }, () => chance.of(values));
  if (place.length > 0) place[chance.below(place.length)] = chance.of(values);
  return toCursor(place as string[]);
}

const textOf = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

function bodyOf(
  { body }: Target,
  isBad: boolean,
  sound: Sound,
  chance: Chance,
): { readonly type: string; readonly bytes: Buffer } | null {
  if (body === null)
    return isBad ? { type: "application/json", bytes: Buffer.from(chance.of(hostileBodies), "latin1") } : null;
  const type = body.kind === "json" ? "application/json" : "application/x-www-form-urlencoded";
  if (isBad && chance.percent(25)) return { type, bytes: Buffer.from(chance.of(hostileBodies), "latin1") };
  const value = fromSchema(body.schema, "", sound, chance);
  if (body.kind === "json") {
    const spoilt = isBad ? spoil(value, chance) : value;
    return { type, bytes: Buffer.from(JSON.stringify(spoilt) ?? "null") };
  }
  const fields = Object.entries(value as Record<string, unknown>).map(([name, one]) => [name, escaped(textOf(one))]);
  if (isBad && fields.length > 0) chance.of(fields)[1] = hostileInAddress(chance);
  return { type, bytes: Buffer.from(fields.map(([name, one]) => `${name}=${one}`).join("&"), "latin1") };
}

/** The same value with something bad in one place of it. */
function spoil(value: unknown, chance: Chance): unknown {
  const parts = typeof value === "object" && value !== null ? Object.keys(value) : [];
  if (parts.length === 0 || chance.percent(10))
    return chance.percent(60) ? chance.of(hostileTexts) : chance.of(hostileJson);
  const key = chance.of(parts);
  const fields = value as Record<string, unknown>;
  const changed = spoil(fields[key], chance);
  if (Array.isArray(value)) return value.with(Number(key), changed);
  return chance.percent(8)
    ? { ...fields, [chance.of(hostileTexts)]: changed } // under a name that nobody asked for
    : { ...fields, [key]: changed };
}

/** What a browser or a router may take for another address. */
function spoiled(address: string, chance: Chance): string {
  const at = chance.below(address.length + 1);
  return chance.of<() => string>([
    () => address.slice(0, at) + chance.of(hostileEscapes) + address.slice(at),
    () => `/${address}`,
    () => `${address}/`,
    () => `${address}?`,
    () => `${address}${address.includes("?") ? "&" : "?"}_rsc=${chance.of(hostileEscapes)}`,
    () => `${address}#a`,
    () => address.toUpperCase(),
    () => address.replaceAll("/", "//"),
    () => address.replaceAll("/", "\\"),
    () => `/.${address}`,
    () => `/a/..${address}`,
    () => `/_next${address}`,
    () => `/_next/data/a${address}.json`,
    () => `${address.split("?")[0]}.rsc`,
    () => `${address.split("?")[0]}.txt`,
    () => `http://evil.example${address}`,
    () => `*`,
    () => address.slice(1),
    () => `/${address.split("/").at(-1)}`,
  ])();
}
