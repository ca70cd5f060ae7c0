import { hub } from "#lib/auth/actor.ts";
import { limitExamples, type LimitKind, readLimit } from "#lib/catalog/quotas/limit-text.ts";
import type { QuotaChange, QuotaLine, QuotaView } from "#lib/catalog/quotas/schema.ts";
import { showAmount } from "#lib/util/show-bytes.ts";
import { thousands } from "#lib/util/thousands.ts";
import { AppError } from "#lib/errors.ts";
import { openHubDatabase } from "#workers/setup/hub-database.ts";
import { say } from "./say.ts";

interface QuotaOptions {
  readonly bytes?: string;
  readonly files?: string;
  readonly repos?: string;
  readonly jobs?: string;
  readonly deviceTime?: string;
  readonly json: boolean;
}

export async function runQuota(name: string, options: QuotaOptions): Promise<void> {
  const change = changeOf(options);
  const { url, close } = await openHubDatabase();
  process.env["DATABASE_URL"] = url; // what the services of the hub ask
  const [{ setQuota, showQuota }, { database }] = await Promise.all([
    import("#lib/catalog/quotas/service.ts"),
    import("#lib/db/client.ts"),
  ]);
  try {
    const view = Object.keys(change).length > 0 ? await setQuota(hub, name, change) : await showQuota(name);
    say(options.json, view, () => lines(view));
  } finally {
    await database().$disconnect();
    await close();
  }
}

function changeOf({ bytes, files, repos, jobs, deviceTime }: QuotaOptions): QuotaChange {
  return {
    ...(bytes !== undefined && { bytes: read("--bytes", bytes, "size") }),
    ...(files !== undefined && { files: read("--files", files, "count") }),
    ...(repos !== undefined && { repos: read("--repos", repos, "count") }),
    ...(jobs !== undefined && { jobs: read("--jobs", jobs, "count") }),
    ...(deviceTime !== undefined && { deviceSeconds: read("--device-time", deviceTime, "time") }),
  };
}

function read(option: string, text: string, kind: LimitKind): number | null {
  if (text === "default") return null;
  const limit = readLimit(text, kind);
  if (limit === undefined)
    throw new AppError("bad_request", `${option} takes a ${limitExamples[kind]}, or default; correct it.`, { option });
  return limit;
}

function lines({ bytes, files, repos, jobs, deviceSeconds }: QuotaView): string[] {
  const line = (what: string, { used, reserved, limit, isOwn }: QuotaLine, show: (count: number) => string): string =>
    `${what}: ${show(used + reserved)} of ${limit === null ? "any number" : show(limit)}${reserved > 0 ? `, of which ${show(reserved)} are announced` : ""}${isOwn ? " (set for this name)" : ""}`;
  return [
    line("bytes", bytes, showAmount),
    line("files", files, thousands),
    line("repos", repos, thousands),
    ...(jobs ? [line("jobs that wait", jobs, thousands)] : []),
    ...(deviceSeconds
      ? [line("seconds computed in 24 hours", deviceSeconds, (count) => thousands(Math.round(count)))]
      : []),
  ];
}
