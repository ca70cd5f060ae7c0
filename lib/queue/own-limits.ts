import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { priorities } from "./jobs.ts";

/** What one person has of the workers, and may have. */
export interface OwnUse {
  readonly jobs: { readonly used: number; readonly limit: number | null; readonly isOwn: boolean };
  /** Of what they asked for, in the last 24 hours. */
  readonly deviceSeconds: { readonly used: number; readonly limit: number | null; readonly isOwn: boolean };
}

const HOURS = 24;

/** Asks with these values in the place of $1, $2 …, outside of any transaction that is open. */
type Ask = <Row>(sql: string, values: readonly unknown[]) => Promise<Row[]>;

/** @param ask who is in a transaction has one of the few connections, and asks through another pool */
export async function ownUse(ask: Ask, userId: string): Promise<OwnUse> {
  const [row] = await ask<{
    waiting: number;
    seconds: number;
    jobs: number | null;
    deviceSeconds: number | null;
  }>(
    `SELECT q.limit_jobs AS jobs, q.limit_device_seconds AS "deviceSeconds",
      (SELECT count(*)::int FROM job WHERE resource = 'compute' AND state = 'queued' AND group_id = $1 AND priority >= $2) AS waiting,
      (SELECT coalesce(sum(seconds), 0) FROM device_hour WHERE user_id = $1 AND hour > now() - $3 * interval '1 hour') AS seconds
     FROM namespace n JOIN quota q ON q.namespace_id = n.id WHERE n.user_id = $1`,
    [userId, priorities.person, HOURS],
  );
  const { quotas } = env();
  return {
    jobs: { used: row?.waiting ?? 0, limit: row?.jobs ?? quotas.jobs, isOwn: row?.jobs != null },
    deviceSeconds: {
      used: row?.seconds ?? 0,
      limit: row?.deviceSeconds ?? quotas.deviceSeconds,
      isOwn: row?.deviceSeconds != null,
    },
  };
}

const KEPT_HOURS = 48;

export const forgetDeviceTime = (): Promise<number> =>
  database().$executeRaw`DELETE FROM device_hour WHERE hour < now() - ${KEPT_HOURS} * interval '1 hour'`;
