import type { Actor } from "#lib/auth/actor.ts";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { signReport } from "#lib/pairing/signed-report.ts";
import { rollUp, termsOf } from "./licences.ts";
import { findOwnedParts } from "./repository.ts";
import { type Report, REPORT_FORMAT, type SignedReportView } from "./schema.ts";
import { signingKey } from "./signing-key.ts";
import { sourcesOf } from "./sources.ts";

/**
 * A measurement with the value of every prompt, and who says so: to be kept, passed on, and checked where this hub is not known.
 *
 * @throws not_found, conflict where it has not been measured
 */
export async function getReport(actor: Actor, id: string): Promise<SignedReportView> {
  const { progress: _progress, queue: _queue, ...pair } = await getPair(actor, id, true);
  if (pair.state !== "succeeded")
    throw new AppError("conflict", "This pair has not been measured to the end; there is nothing to sign yet.", {
      state: pair.state,
    });
  const { publicUrl } = env();
  const report: Report = {
    format: REPORT_FORMAT,
    hub: publicUrl,
    page: `${publicUrl}/pairs/${id}`,
    signedAt: new Date().toISOString(),
    ...(await ownersAndLicencesOf(pair)),
    sources: await sourcesOf(actor, pair),
    pair,
  };
  const { privateKey, publicKey } = await signingKey();
  return signReport(report, privateKey, publicKey);
}

/** Who owns what was measured, and what its licences allow together. */
export async function ownersAndLicencesOf({
  unit,
  guide,
}: Pick<PairView, "unit" | "guide">): Promise<Pick<Report, "isByOwner" | "licences">> {
  const repos = [...unit.components.map(({ repo }) => repo), guide.repo].filter((repo) => repo !== null);
  const owned = await findOwnedParts([...new Set(repos)]);
  return {
    isByOwner: owned.some(({ isOperators }) => isOperators),
    licences: {
      parts: owned.map(({ repo, licence }) => ({ repo, licence, terms: termsOf(licence) })),
      together: rollUp(owned),
    },
  };
}
