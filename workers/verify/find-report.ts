import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import type { SignedReport } from "#lib/pairing/signed-report.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { isUrl } from "#lib/weights/http-source.ts";
import { askHub, readText, shown } from "./from-hub.ts";

/** That of 384 prompts, with every state of single steps, is below one megabyte. */
const MOST_BYTES = 16 * 2 ** 20;

const FORMAT = /^guidepost-report\/(\d{1,6})$/;

/** As much as every report has, of whichever version. */
const anyReport = jsonString(
  z.looseObject({
    report: z.looseObject({ format: z.string().regex(FORMAT) }),
    signature: z.object({ protected: z.string(), signature: z.string() }),
  }),
);

export interface FoundReport {
  /** As it was signed, or is said to have been. */
  readonly signed: SignedReport<z.output<typeof anyReport>["report"]>;
  /** Counts up when the shape changes. */
  readonly format: number;
}

/**
 * A report from a file, from its address, or from the page of its pair.
 *
 * @throws file_not_found, bad_request for what is no report
 */
export async function findReport(place: string): Promise<FoundReport> {
  const found = anyReport.safeParse(isUrl(place) ? await fromWeb(place) : await fromFile(place));
  if (!found.success)
    throw new AppError(
      "bad_request",
      `${nameOf(place)} is no report of a measurement; a hub gives one on the page of a pair, as “The report, signed by this hub”.`,
    );
  const { report, signature } = found.data;
  return { signed: { report, signature }, format: Number(FORMAT.exec(report.format)![1]) };
}

async function fromFile(path: string): Promise<string> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `${path} does not exist; check the path.`, { path }, cause);
  });
  if (!facts.isFile() || facts.size > MOST_BYTES)
    throw new AppError(
      "bad_request",
      facts.isFile()
        ? `${path} has ${facts.size} bytes, which no report has; give the file that a hub gave.`
        : `${path} is no file; give the report that a hub gave.`,
    );
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new AppError("bad_request", `${path} cannot be read; check its permissions.`, { path }, cause);
  });
}

async function fromWeb(address: string): Promise<string> {
  const url = URL.parse(address);
  if (!url) throw new AppError("bad_request", `${address} is no address; give a file, or one that a browser opens.`);
  const report = toReport(url);
  const response = await askHub(report);
  if (response.ok) return readText(response, report, MOST_BYTES);
  response.close();
  const why = {
    401: "may not be read without signing in",
    403: "may not be read without signing in",
    404: "does not exist, or may not be read without signing in",
    409: "is of a pair that has not been measured to the end; come back when its page says so",
  }[response.status];
  throw new AppError(
    "bad_request",
    `${shown(report)} ${why ?? `was answered with ${response.status}`}${response.status === 409 ? "." : "; download the report as somebody who may, and give its file."}`,
    { status: response.status },
  );
}

/** Of a pair's page, or whatever lies below it, the report that it leads to. */
function toReport(url: URL): URL {
  const [, id] = /^\/pairs\/([0-9a-f-]{36})(?:\/|$)/i.exec(url.pathname) ?? [];
  return id === undefined ? url : new URL(`/api/v1/pairs/${id}/report`, url.origin);
}

const nameOf = (place: string): string => (isUrl(place) ? shown(new URL(place)) : place);
