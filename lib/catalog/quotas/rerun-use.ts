import { HUB_NAMESPACE } from "#lib/catalog/hub-namespace.ts";
import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { quotaOfName } from "./repository.ts";

/** How much of today's budget for measuring anew has gone, in seconds of work; a limit of null is none. */
export interface RerunUse {
  readonly used: number;
  readonly limit: number | null;
  /** Whether an operator set it, as the hub's own share of the workers, in place of the configuration. */
  readonly isOwn: boolean;
  /** How many wait or are being measured. */
  readonly open: number;
}

export async function rerunUse(): Promise<RerunUse> {
  const [row] = await database().$queryRaw<[{ used: number; open: number }]>`
    SELECT coalesce((
        SELECT sum(m.milliseconds) / 1000.0 FROM pair p JOIN measurement m ON m.pair_id = p.id
        WHERE p.is_rerun AND p.measured_at > now() - interval '24 hours'), 0)::float8
      + coalesce((
        SELECT sum(extract(epoch FROM now() - j.started_at)) FROM pair p JOIN job j ON j.subject_id = p.id AND j.kind = 'check'
        WHERE p.is_rerun AND p.state = 'running'), 0)::float8 AS used,
      (SELECT count(*)::int FROM pair WHERE is_rerun AND state IN ('queued', 'running')) AS open`;
  const own = (await quotaOfName(HUB_NAMESPACE))?.limits.deviceSeconds ?? null;
  return { ...row, limit: own ?? env().rerunSeconds, isOwn: own !== null };
}
