import { createCommit } from "#lib/catalog/commits/service.ts";
import { database } from "#lib/db/client.ts";

// A process of its own that makes one commit, told as JSON: { actor, name, input }. Prints what it is told, unless it is killed.

const { actor, name, input } = JSON.parse(process.argv[2]!) as {
  actor: { scopes: string[] };
  name: { owner: string; repo: string };
  input: Parameters<typeof createCommit>[2];
};
const person = { ...actor, scopes: new Set(actor.scopes) } as unknown as Parameters<typeof createCommit>[0];
process.stdout.write(JSON.stringify(await createCommit(person, name, input)));
await database().$disconnect();
