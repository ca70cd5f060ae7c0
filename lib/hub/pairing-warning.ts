import type { ReadableRepo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { can } from "#lib/catalog/kinds.ts";
import { listFits } from "#lib/catalog/pairs/partners.ts";
import { type Verdict, verdictInWords } from "#lib/catalog/verdict.ts";
import { env } from "#lib/env.ts";

/**
 * A line that a client of the Hub prints in its user's terminal, once a topic: a guide may be downloaded whatever was measured, and
 * who does so in a terminal sees no page that says so. Nothing where it is verified with some model, and nothing for what is no guide.
 */
export async function pairingWarning(actor: Actor, repo: ReadableRepo): Promise<Record<string, string>> {
  if (!can(repo, "guides")) return {};
  const [best] = (await listFits(actor, { owner: repo.owner, repo: repo.name }, { limit: 1 })).items;
  const verdict = best?.pair ? best.verdict : null;
  if (verdict === "verified" && best?.stale === null) return {};
  const name = `${repo.owner}/${repo.name}`;
  return { "X-HF-Warning": `guidepost; ${sayOf(name, verdict, best?.repo)} See ${env().publicUrl}/${name}` };
}

/** In plain ASCII, as a header takes it. */
function sayOf(name: string, verdict: Verdict | null, model: string | undefined): string {
  if (verdict === null || verdict === "notMeasured") return `No measurement that you may see says where ${name} works.`;
  const found = verdictInWords(verdict);
  return `The best that was measured of ${name} is “${found}”, with ${model}.`.replaceAll(/[“”]/g, '"');
}
