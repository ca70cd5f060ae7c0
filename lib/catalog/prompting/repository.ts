import type { Actor } from "#lib/auth/actor.ts";
import { maySeePreview } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";

/** What the hub drew with a commit by itself, as far as somebody may see it: in the order of its sheets, each once. */
export async function drawnPrompts(actor: Actor, commitId: string, count: number): Promise<string[]> {
  const rows = await database().$queryRaw<{ prompt: string }[]>`
    SELECT v.recipe #>> '{asked,prompt}' AS prompt FROM preview v WHERE v.finetune_commit_id = ${commitId} AND v.sheet_index IS NOT NULL AND ${maySeePreview(actor, "v")}
    GROUP BY 1 ORDER BY min(v.sheet_index), 1 LIMIT ${count}`;
  return rows.map(({ prompt }) => prompt);
}
