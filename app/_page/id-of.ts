import { notFound } from "next/navigation.js";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";

/** The id in the address of a page; what is none is nowhere. */
export const idOf = (text: string): string => z.uuid().safeParse(text).data ?? notFound();

/** The id in the address of anything else. @throws not_found, where it can be the id of nothing */
export function requireId(text: string | string[] | undefined, what: "measurement" | "job"): string {
  const { data } = z.uuid().safeParse(text);
  if (data === undefined) throw new AppError("not_found", `There is no ${what} of that id.`);
  return data;
}
