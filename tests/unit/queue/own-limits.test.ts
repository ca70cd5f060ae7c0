import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hub as theHub, type Person } from "#lib/auth/actor.ts";
import { describeMe } from "#lib/catalog/namespaces/me.ts";
import { setQuota } from "#lib/catalog/quotas/service.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import type { Priority } from "#lib/queue/jobs.ts";
import { newPerson } from "../../support/actors.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let [ann, ben]: Person[] = [];
beforeAll(async () => {
  [ann, ben] = await Promise.all([newPerson("ann"), newPerson("ben")]);
});
afterAll(() => hub.close());

async function ask({ userId }: Person, priority: Priority = "person"): Promise<string> {
  const subjectId = randomUUID();
  await inLockedTransaction(database(), (transaction) =>
    enqueue(transaction, { kind: "preview", subjectId, priority, userId }),
  );
  return subjectId;
}

/** A worker had it for so long. */
async function ran(subjectId: string, seconds: number): Promise<void> {
  await database()
    .$executeRaw`UPDATE job SET state = 'running', attempt = attempt + 1, started_at = now() - ${seconds} * interval '1 second' WHERE subject_id = ${subjectId}::uuid`;
  await database()
    .$executeRaw`UPDATE job SET state = 'succeeded', finished_at = now() WHERE subject_id = ${subjectId}::uuid`;
}

test("as many jobs of one person wait as an operator says, and no others are kept back", async () => {
  await setQuota(theHub, "ann", { jobs: 2 });
  await ask(ann!);
  await ask(ann!);
  await expect(ask(ann!)).rejects.toMatchObject({ code: "queue_full", detail: { waiting: 2 } });
  await ask(ben!);
  expect((await describeMe(ann!)).quota.jobs).toEqual({ used: 2, reserved: 0, limit: 2, isOwn: true });
  await setQuota(theHub, "ann", { jobs: null });
  await ask(ann!);
});

test("who had their time of the workers waits, whatever else they had done is given round", async () => {
  await setQuota(theHub, "ben", { deviceSeconds: 3600 });
  await ran(await ask(ben!), 2000);
  await ran(await ask(ben!, "batch"), 9000); // follows from a commit
  const id = await ask(ben!);
  expect((await describeMe(ben!)).quota.deviceSeconds!.used).toBeCloseTo(2000, -2);
  await ran(id, 1700);
  await expect(ask(ben!)).rejects.toMatchObject({
    code: "rate_limited",
    message: expect.stringMatching(
      /^Workers have computed 62 minutes for you in the last 24 hours, of the 60 minutes/,
    ) as string,
    detail: { quota: "deviceSeconds", limit: 3600, retryAfter: 3600 },
  });
  await ask(ann!);
  await database().$executeRaw`UPDATE device_hour SET hour = hour - interval '25 hours'`;
  await ask(ben!);
});
