import { z } from "zod";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { isVisible, type ReadableRepo } from "./access.ts";
import { type Actor, anonymous } from "./actor.ts";
import { personById } from "./person.ts";
import { personOfSessionId } from "./session.ts";
import { personOfTokenId } from "./token.ts";

const reading = z.object({
  repo: z.uuid(),
  person: z.string().optional(),
  token: z.string().optional(),
  session: z.string().optional(),
});

/** Who reads of which repo, by what, as a text that a signed address carries: so that it can be asked again while bytes flow. */
export const readingOf = (actor: Actor, { id }: ReadableRepo): string =>
  JSON.stringify(
    actor.kind === "person"
      ? { repo: id, person: actor.userId, token: actor.tokenId ?? undefined, session: actor.sessionId }
      : { repo: id },
  );

/**
 * The same question as at the beginning, whatever the repo is called now. Who came by something that is gone is anybody, who still reads
 * what is public. @throws repo_not_found where it may not be read any more
 */
export async function requireStillReads(text: string): Promise<void> {
  const { repo, ...by } = reading.parse(JSON.parse(text));
  const actor = (await personOf(by)) ?? anonymous;
  const rows = await database().$queryRaw<{ one: number }[]>`
    SELECT 1 AS one FROM repo r WHERE r.id = ${repo}::uuid AND ${isVisible(actor, "r")}`;
  if (rows.length === 0)
    throw new AppError("repo_not_found", "You may not read this any more, or it was deleted; ask for the file again.");
}

async function personOf({ person, token, session }: Omit<z.output<typeof reading>, "repo">): Promise<Actor | null> {
  if (token !== undefined) return personOfTokenId(token);
  if (session !== undefined) return personOfSessionId(session);
  return person === undefined ? null : personById(person);
}
