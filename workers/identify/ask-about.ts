import { z } from "zod";
import { MAX_HASHES, modelVersion } from "#lib/catalog/hashes/schema.ts";
import { can } from "#lib/catalog/kinds.ts";
import { partnerList } from "#lib/catalog/pairs/schema.ts";
import type { Verdict } from "#lib/catalog/verdict.ts";
import { AppError } from "#lib/errors.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { askHub, readText, shown } from "#workers/verify/from-hub.ts";

/** Which hub is asked, and as whom. */
export interface AskedHub {
  readonly url: URL;
  readonly token: string | undefined;
}

/** What a hub says of a file. */
export interface Known {
  readonly repo: string;
  readonly path: string;
  readonly isHead: boolean;
  readonly kind: z.output<typeof modelVersion>["kind"];
  /** What was measured with it, best proven first: guides of a model, models of a guide. */
  readonly partners: readonly { readonly repo: string; readonly verdict: Verdict }[];
}

const MOST_BYTES = 4 * 2 ** 20; // a hundred files, and what is said of each
const PARTNERS = 5;

/** By their sha256, what the hub knows of files; only hashes are sent to it. @throws bad_request, unauthenticated */
export async function askAbout(hub: AskedHub, sha256s: readonly string[]): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  const asked = [...new Set(sha256s)];
  for (let at = 0; at < asked.length; at += MAX_HASHES) {
    const body = asked.slice(at, at + MAX_HASHES);
    for (const found of await read(hub, "/api/v1/model-versions/by-hash", z.array(modelVersion), body)) {
      const { repo, path, isHead, kind, sha256 } = found;
      known.set(sha256, { repo, path, isHead, kind, partners: await partnersOf(hub, found) });
    }
  }
  return known;
}

async function partnersOf(hub: AskedHub, { repo, kind }: Pick<Known, "repo" | "kind">): Promise<Known["partners"]> {
  const what = can({ kind }, "draws") ? "guides" : can({ kind }, "guides") ? "fits" : null;
  if (what === null) return [];
  const { items } = await read(hub, `/api/v1/repos/${repo}/${what}?limit=${PARTNERS}`, partnerList);
  return items.filter(({ pair }) => pair !== null).map(({ repo, verdict }) => ({ repo, verdict }));
}

async function read<Schema extends z.ZodType>(
  { url, token }: AskedHub,
  path: string,
  schema: Schema,
  body?: unknown,
): Promise<z.output<Schema>> {
  const address = new URL(path, url);
  const answer = await askHub(address, undefined, { token, body });
  const text = await readText(answer, address, MOST_BYTES);
  const parsed = answer.ok ? jsonString(schema).safeParse(text) : null;
  if (parsed?.success) return parsed.data as z.output<Schema>;
  throw new AppError(
    answer.status === 401 ? "unauthenticated" : "bad_request",
    answer.status === 401
      ? `${shown(address)} does not know the access token in HF_TOKEN; make one in your settings there, or ask without.`
      : `${shown(address)} was answered with ${answer.status} and nothing that a hub says; give the address of a Guidepost hub with --hub.`,
    { status: answer.status },
  );
}
