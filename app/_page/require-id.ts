import { z } from "zod";
import { AppError } from "#lib/errors.ts";

/**
 * The id in the address of what is no page; those have `idOf`, which route handlers cannot load, for it shows Next's own page.
 *
 * @throws not_found, where it can be the id of nothing
 */
export function requireId(text: string | string[] | undefined, what: "measurement" | "job" | "distillation"): string {
  const { data } = z.uuid().safeParse(text);
  if (data === undefined) throw new AppError("not_found", `There is no ${what} of that id.`);
  return data;
}
