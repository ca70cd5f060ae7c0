import { forgetExpired } from "#lib/auth/expired.ts";
import {
  forgetOld,
  purgeBlobs,
  purgeRepos,
  sweepPreviews,
  sweepStore,
  sweepUploads,
} from "#lib/catalog/sweep/service.ts";
import { measureAnew } from "#lib/catalog/pairs/reruns.ts";
import { keepPeriods } from "#lib/catalog/periods/service.ts";
import { sweepPieces } from "#lib/catalog/kept/service.ts";
import { alone } from "#lib/db/alone.ts";
import { log } from "#lib/log.ts";

/** How much went. */
export interface SweepReport {
  /** Uploads whose time was over, and those of which the store was cleared. */
  readonly expired: number;
  readonly cleared: number;
  readonly repos: number;
  readonly previews: number;
  /** Of what models draw by themselves. */
  readonly pieces: number;
  /** Contents that nothing named any more, and their bytes. */
  readonly blobs: number;
  readonly bytes: number;
  /** In the store, and named by no row. */
  readonly objects: number;
  readonly multiparts: number;
  /** Parts that failed, by name; the log says why, and the next sweep tries them again. */
  readonly failed: readonly string[];
}

/**
 * Removes what has had its time. One process of the hub does so at a time: null, at once, where another is at it. The store is
 * listed as a whole once an hour.
 */
export async function sweep(now = new Date()): Promise<SweepReport | null> {
  return alone("sweep", async () => {
    const report = {
      expired: 0,
      cleared: 0,
      repos: 0,
      previews: 0,
      pieces: 0,
      blobs: 0,
      bytes: 0,
      objects: 0,
      multiparts: 0,
      failed: [] as string[],
    };
    const part = async (name: string, work: () => Promise<Partial<SweepReport> | void>): Promise<void> => {
      try {
        Object.assign(report, await work());
      } catch (cause) {
        report.failed.push(name);
        log().warn({ event: "sweep.failed", part: name, err: cause }, (cause as Error).message);
      }
    };
    await part("uploads", () => sweepUploads(now));
    await part("repos", async () => ({ repos: await purgeRepos(now) }));
    await part("previews", async () => ({ previews: await sweepPreviews(now) }));
    await part("pieces", async () => ({ pieces: await sweepPieces(now) }));
    await part("store", () => sweepStore(now));
    await part("blobs", () => purgeBlobs(now));
    await part("periods", () => keepPeriods(now));
    await part("re-runs", async () => void (await measureAnew()));
    await part("old rows", () => forgetOld(now));
    await part("accounts", () => forgetExpired(now));
    if (Object.values(report).some((count) => typeof count === "number" && count > 0))
      log().info({ event: "sweep.done", ...report });
    return report;
  });
}
