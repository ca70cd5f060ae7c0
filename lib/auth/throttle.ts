import { createHmac } from "node:crypto";
import { isIP } from "node:net";
import { normalizeIP } from "@better-auth/core/utils/ip";
import { database } from "#lib/db/client.ts";
import { requireSecret } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";

interface Limit {
  /** How many may fail in the window of time before the next is refused. */
  readonly attempts: number;
  /** The same while it is tight. */
  readonly tight?: number;
  /** From so many on it is tight for all that is counted beside it. Refuses nobody by itself. */
  readonly tightens?: number;
  readonly seconds: number;
}

/**
 * What is counted. Nobody's failures refuse somebody at another address: what is counted over all of them only makes the others tight, so
 * that there is always an attempt left to who comes from elsewhere. `docs/decisions/guessing-passwords.md` says why these.
 */
const limits = {
  "password of an account from an address": { attempts: 10, tight: 3, seconds: 900 },
  "password of an account": { attempts: Infinity, tightens: 100, seconds: 3600 },
  /** Over all accounts. An office behind one address shares it; each attempt costs a hash of some 50 ms. */
  "password from an address": { attempts: 500, tightens: 50, seconds: 900 },
  /** A browser that has signed in to this account before: what others do does not touch it. */
  "password from a known device": { attempts: 10, seconds: 900 },
  "current password in a session": { attempts: 10, seconds: 900 },
  /** Each costs a hash, and a name that nobody else can have. */
  "sign-up from an address": { attempts: 20, seconds: 3600 },
  /** What somebody says of two pictures. A person looks at each for some seconds; an office shares one address. */
  "answer of a person": { attempts: 300, seconds: 3600 },
  "answer from an address": { attempts: 100, seconds: 3600 },
} as const satisfies Record<string, Limit>;

export interface Attempt {
  readonly of: keyof typeof limits;
  readonly who: string;
}

/**
 * Counts attempts before they are made, so that many at once are no way around. Counted in the database: all web processes share
 * it and a restart does not forget. @throws rate_limited with the seconds to wait
 */
export async function countAttempts(attempts: readonly Attempt[]): Promise<void> {
  const counted = new Map<string, Limit>(attempts.map((attempt) => [keyOf(attempt), limits[attempt.of]]));
  const seconds = [...counted.values()].map((limit) => limit.seconds);
  const rows = await database().$queryRaw<{ key: string; count: number; wait: number }[]>`
    INSERT INTO throttle (key, count, resets_at)
    SELECT key, 1, now() + seconds * interval '1 second' FROM unnest(${[...counted.keys()]}::text[], ${seconds}::int[]) AS given (key, seconds) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
      count = CASE WHEN throttle.resets_at <= now() THEN 1 ELSE throttle.count + 1 END,
      resets_at = CASE WHEN throttle.resets_at <= now() THEN excluded.resets_at ELSE throttle.resets_at END
    RETURNING key, count, ceil(extract(epoch FROM resets_at - now()))::int AS wait`;
  const isTight = rows.some(({ key, count }) => count > (counted.get(key)!.tightens ?? Infinity));
  const allowed = ({ attempts: most, tight = most }: Limit): number => (isTight ? tight : most);
  const waits = rows
    .filter(({ key, count }) => count > allowed(counted.get(key)!))
    .map(({ wait }) => Math.max(wait, 1));
  if (waits.length === 0) return;
  const retryAfter = Math.max(...waits);
  throw new AppError(
    "rate_limited",
    `There were too many attempts; wait ${retryAfter < 120 ? `${retryAfter} seconds` : `${Math.ceil(retryAfter / 60)} minutes`} and try again.`,
    { retryAfter },
  );
}

/** Takes one back that succeeded: only failures stay counted. */
export async function forgiveAttempt(attempt: Attempt): Promise<void> {
  await database().throttle.updateMany({
    where: { key: keyOf(attempt), count: { gt: 0 } },
    data: { count: { decrement: 1 } },
  });
}

/** Counts anew from nothing. */
export async function forgiveAll(attempt: Attempt): Promise<void> {
  await database().throttle.deleteMany({ where: { key: keyOf(attempt) } });
}

/**
 * The address a request came from, as the server in front of Next wrote it (lib/http/forwarded.ts). An IPv6 network of 64 bits is one
 * address. What is no address shares one count.
 */
export function addressOf(headers: Headers): string {
  const address = headers.get("x-forwarded-for") ?? "";
  return isIP(address) ? normalizeIP(address, { ipv6Subnet: 64 }) : "unknown";
}

/** What one provider gives one customer, or nearly: the first 24 bits of an IPv4 address, the first 48 of an IPv6 one. */
export function networkOf(headers: Headers): string {
  const address = addressOf(headers);
  if (isIP(address) === 4) return `${address.slice(0, address.lastIndexOf("."))}.0`;
  return isIP(address) === 6 ? normalizeIP(address, { ipv6Subnet: 48 }) : address;
}

/** No name and no address is kept, and nobody without the secret can ask whether one was here. */
const keyOf = ({ of, who }: Attempt): string =>
  createHmac("sha256", requireSecret()).update(`${of}\0${who}`).digest("hex");
