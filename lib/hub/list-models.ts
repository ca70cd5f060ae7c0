import type { Actor } from "#lib/auth/actor.ts";
import { kindNames } from "#lib/catalog/kinds.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { repoQuery, type RepoItem, type Sort } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { AppError } from "#lib/errors.ts";
import { parseAs } from "#lib/http/parse-as.ts";
import { linkTo } from "./link.ts";
import { TEXT_TO_IMAGE, toHubModel } from "./model.ts";
import { countOf, saysYes } from "./query.ts";

const MOST = 100; // of a page; clients follow its link
const MAX_TAGS = 10;

/** What is not counted here is ordered by downloads, which is what it stands for. */
const sorts: Readonly<Record<string, Sort>> = {
  lastModified: "updated",
  createdAt: "created",
  downloads: "downloads",
  likes: "downloads",
  trendingScore: "downloads",
};

/**
 * Models that answer to all filters, as `list_models` asks for them. Fields of an address that this hub does not know narrow
 * nothing. @throws bad_request
 */
export async function answerModels(request: Request, actor: Actor, query: URLSearchParams): Promise<Response> {
  const wanted = wantedBy([...query.getAll("filter"), ...query.getAll("filter[]")].flatMap((one) => one.split(",")));
  const pipeline = query.get("pipeline_tag");
  if (pipeline !== null) wanted.tags.push(pipeline);
  const tags = wanted.tags.filter((tag) => tag !== TEXT_TO_IMAGE);
  if (tags.length > MAX_TAGS) throw new AppError("bad_request", `At most ${MAX_TAGS} filters can be given at once.`);
  if (wanted.isNothing || saysYes(query.get("gated"))) return Response.json([]); // nothing is gated here
  const fields = {
    q: query.get("search") ?? undefined,
    owner: query.get("author") ?? undefined,
    sort: sorts[query.get("sort") ?? "lastModified"] ?? "updated",
    cursor: query.get("cursor") ?? undefined,
    limit: countOf(query.get("limit"), MOST),
    kind: wanted.kind,
    base: wanted.base,
    license: wanted.license,
  };
  const asked = parseAs(repoQuery, fields, "address");
  const draws = tags.length < wanted.tags.length;
  const { items, next } = await listRepos(actor, { ...asked, tags, draws }).catch(nothingOfUnknownBase);
  return Response.json(items.map(toHubModel), { headers: linkTo(request, next) });
}

/** A filter that names what is not there finds nothing; the Hub does not say that it is not there. */
function nothingOfUnknownBase(cause: unknown): { items: RepoItem[]; next: null } {
  if (cause instanceof AppError && cause.code === "repo_not_found") return { items: [], next: null };
  throw cause;
}

interface Wanted {
  kind?: string;
  base?: string;
  license?: string;
  readonly tags: string[];
  /** Two filters contradict each other. */
  isNothing: boolean;
}

/** The tags that `tagsOf` makes, read back; any other is one of the author's. */
function wantedBy(filters: readonly string[]): Wanted {
  const wanted: Wanted = { tags: [], isNothing: false };
  const set = (field: "kind" | "base" | "license", value: string): void => {
    if (wanted[field] !== undefined && wanted[field] !== value) wanted.isNothing = true;
    wanted[field] = value;
  };
  for (const filter of filters.map((one) => one.trim()).filter((one) => one !== "")) {
    const [, word, rest = ""] = /^(license|base_model|guide-for|region):(.*)$/.exec(filter) ?? [];
    const [relation, base = ""] = rest.includes(":") ? rest.split(/:(.*)/) : ["", rest];
    if (word === "region") continue;
    if (word === "license") set("license", rest);
    else if (word !== undefined && fullName.safeParse(base).success) {
      set("base", base);
      if (word === "guide-for" || relation === "adapter") set("kind", "guide");
      else if (relation === "finetune") set("kind", "finetune");
      else if (relation !== "") wanted.isNothing = true;
    } else if ((kindNames as readonly string[]).includes(filter)) set("kind", filter);
    else if (filter !== "diffusers") wanted.tags.push(filter);
    else wanted.tags.push(TEXT_TO_IMAGE);
  }
  return wanted;
}
