import { database } from "#lib/db/client.ts";

/** What the hub drew with a commit by itself, in the order of its sheets, each once. */
export async function drawnPrompts(commitId: string, count: number): Promise<string[]> {
  const rows = await database().$queryRaw<{ prompt: string }[]>`
    SELECT recipe #>> '{asked,prompt}' AS prompt FROM preview WHERE finetune_commit_id = ${commitId} AND sheet_index IS NOT NULL
    GROUP BY 1 ORDER BY min(sheet_index), 1 LIMIT ${count}`;
  return rows.map(({ prompt }) => prompt);
}
