import { z } from "zod";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import type { ReadableRepo } from "./access.ts";
import type { Actor } from "./actor.ts";

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
 * The same question as at the beginning, whatever the repo is called now. A public repo is read by everybody, also with a token that was
 * deleted. @throws repo_not_found where it may not be read any more
 */
export async function requireStillReads(text: string): Promise<void> {
  const { repo, person = null, token = null, session = null } = reading.parse(JSON.parse(text));
  const [found] = await database().$queryRaw<{ may: boolean }[]>`
    SELECT r.visibility = 'public'
      OR ((EXISTS (SELECT FROM app_user u WHERE u.id = ${person} AND u.is_operator)
          OR EXISTS (SELECT FROM namespace n WHERE n.id = r.namespace_id AND n.user_id = ${person})
          OR EXISTS (SELECT FROM member m WHERE m.namespace_id = r.namespace_id AND m.user_id = ${person}))
        AND (${token}::text IS NULL
          OR EXISTS (SELECT FROM apikey k WHERE k.id = ${token} AND k.enabled AND (k.expires_at IS NULL OR k.expires_at > now())))
        AND (${session}::text IS NULL OR EXISTS (SELECT FROM session s WHERE s.id = ${session} AND s.expires_at > now()))) AS may
    FROM repo r WHERE r.id = ${repo}::uuid AND r.deleted_at IS NULL`;
  if (!found?.may)
    throw new AppError("repo_not_found", "You may not read this any more, or it was deleted; ask for the file again.");
}
