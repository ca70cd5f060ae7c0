import { fsck, type FsckReport, isSound } from "#lib/catalog/fsck/service.ts";
import { openDatabase, waitForDatabase } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { openStore } from "#lib/storage/open-store.ts";
import { openHubDatabase } from "#workers/setup/hub-database.ts";
import { say } from "./say.ts";

export async function runFsck({ deep, json }: { deep: boolean; json: boolean }): Promise<void> {
  const { url, close } = await openHubDatabase();
  waitForDatabase();
  const database = openDatabase(url);
  try {
    const report = await fsck({ database, store: openStore(() => ""), graceSeconds: env().graceSeconds, deep });
    say(json, report, () => lines(report, deep));
    if (!isSound(report)) process.exitCode = 1;
  } finally {
    await database.$disconnect();
    await close();
  }
}

const SHOWN = 20;

function lines(report: FsckReport, deep: boolean): string[] {
  const { checked, ...lists } = report;
  const { blobs, bytes, objects, uploads, commits } = checked;
  const faults = Object.entries(lists).flatMap(([name, found]) => {
    const shown = found.slice(0, SHOWN).map(
      (one) =>
        `  ${
          typeof one === "string"
            ? one
            : Object.entries(one)
                .map(([key, value]) => `${key} ${value}`)
                .join(", ")
        }`,
    );
    return found.length === 0
      ? []
      : [
          `${name}: ${found.length}`,
          ...shown,
          ...(found.length > SHOWN ? [`  and ${found.length - SHOWN} more; --json shows all`] : []),
        ];
  });
  const looked = `Looked at ${blobs} contents of ${bytes} bytes, ${objects} objects, ${uploads} uploads and ${commits} commits.`;
  return [
    ...faults,
    looked,
    faults.length > 0
      ? "They do not agree."
      : deep
        ? "Rows and bytes agree."
        : "Rows and bytes agree in place and size; --deep reads the bytes too.",
  ];
}
