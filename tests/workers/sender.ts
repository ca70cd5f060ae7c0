import { randomUUID } from "node:crypto";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { enqueue } from "#lib/queue/enqueue.ts";

/** A process that puts one job into the queue and ends. */
await inLockedTransaction(database(), (transaction) =>
  enqueue(transaction, { kind: "hash", subjectId: randomUUID(), priority: "upload" }),
);
await closeQueue();
await database().$disconnect();
