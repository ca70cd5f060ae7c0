import { hkdfSync } from "node:crypto";
import { requireSecret } from "#lib/env.ts";
import { commitmentTo } from "#lib/pairing/period-secret.ts";

/**
 * The secret of a period, made of GUIDEPOST_SECRET (HKDF, RFC 5869) as the key of reports is: every process of a hub has it, and whoever
 * reads a backup of the database does not.
 */
export const secretOf = (number: number, startsAt: Date): string =>
  Buffer.from(
    hkdfSync(
      "sha256",
      requireSecret(),
      "",
      `guidepost: draws what is measured, 1, ${number} ${startsAt.toISOString()}`,
      32,
    ),
  ).toString("hex");

/** Null where the hub has another GUIDEPOST_SECRET than when it committed itself. */
export function secretIfKept(period: {
  readonly number: number;
  readonly startsAt: Date;
  readonly commitment: string;
}): string | null {
  const secret = secretOf(period.number, period.startsAt);
  return commitmentTo(secret) === period.commitment ? secret : null;
}
