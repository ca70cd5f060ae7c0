import { type Period, periodList } from "#lib/catalog/periods/schema.ts";
import { AppError } from "#lib/errors.ts";
import { commitmentTo, type DrawnFrom, drawnFrom } from "#lib/pairing/period-secret.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { askHub, readText } from "./from-hub.ts";

const PERIODS_AT = "/.well-known/guidepost-periods.json";
const MOST_BYTES = 2 ** 20;
const told = jsonString(periodList);

/** What prompts and noise of a report were made of; or why that is not to be had. */
export type WhatWasDrawn =
  | { readonly draw: DrawnFrom | null }
  /** Its period is not over, or was not long ago. */
  | { readonly heldBackUntil: string }
  /** The hub does not keep to what it promised before anything was uploaded. */
  | { readonly broken: string };

/**
 * As the report says, else as its hub has told since; either way it has to give the hash that was promised.
 *
 * @param period null: what everybody knew
 * @throws bad_request where the hub says nothing of it
 */
export async function whatWasDrawn(period: Period | null, hub: string): Promise<WhatWasDrawn> {
  if (period === null) return { draw: null };
  const now = period.secret === null ? await askFor(period, hub) : period;
  const { number } = period;
  if (now.commitment !== period.commitment)
    return { broken: `For period ${number} the report names another promise than ${hub} does.` };
  if (now.secret === null) return { heldBackUntil: now.toldFrom };
  if (commitmentTo(now.secret) !== period.commitment)
    return { broken: `What period ${number} drew is not what ${hub} had promised before it began.` };
  return { draw: drawnFrom(now.secret) };
}

async function askFor({ number }: Period, hub: string): Promise<Period> {
  const url = new URL(PERIODS_AT, hub);
  const response = await askHub(url);
  const list = response.ok ? told.safeParse(await readText(response, url, MOST_BYTES)) : null;
  if (!response.ok) response.close();
  const found = list?.data?.periods.find((one) => one.number === number);
  if (!found)
    throw new AppError(
      "bad_request",
      `The signature holds. ${hub} says nothing of period ${number}, which prompts and noise were drawn from (${response.status} at ${PERIODS_AT}), so nobody can measure it again; ask whoever runs it.`,
      { period: number },
    );
  return found;
}
