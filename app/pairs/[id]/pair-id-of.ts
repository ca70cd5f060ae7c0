import { z } from "zod";
import { AppError } from "#lib/errors.ts";

/** The id in the address of something that belongs to a pair. @throws not_found, where it can be the id of nothing */
export function pairIdOf({ id }: Readonly<Record<string, string | string[] | undefined>>): string {
  const parsed = z.uuid().safeParse(id);
  if (!parsed.success) throw new AppError("not_found", "No measurement has such an id; check the address.");
  return parsed.data;
}
