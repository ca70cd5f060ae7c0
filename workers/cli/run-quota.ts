import { hub } from "#lib/auth/actor.ts";
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
    ...(bytes !== undefined && { bytes: read("--bytes", bytes, sizes) }),
    ...(files !== undefined && { files: read("--files", files, { "": 1 }) }),
    ...(repos !== undefined && { repos: read("--repos", repos, { "": 1 }) }),
    ...(jobs !== undefined && { jobs: read("--jobs", jobs, { "": 1 }) }),
    ...(deviceTime !== undefined && { deviceSeconds: read("--device-time", deviceTime, times) }),
  };
}

const sizes = { "": 1, MB: 1e6, GB: 1e9, TB: 1e12 };
const times = { s: 1, min: 60, h: 3600 };

function read(option: string, text: string, units: Readonly<Record<string, number>>): number | null {
  if (text === "default") return null;
  const [, digits, unit] = /^(\d{1,9}) ?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = units[unit ?? "none"];
  if (digits === undefined || factor === undefined)
    throw new AppError(
      "bad_request",
      `${option} takes ${"GB" in units ? "a size like 500GB" : "h" in units ? "a time like 8h" : "a number"}, or default; correct it.`,
      { option },
    );
  return Number(digits) * factor;
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
