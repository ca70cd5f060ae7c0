import { afterAll, beforeAll, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { createToken, deleteToken } from "#lib/auth/token.ts";
import { database } from "#lib/db/client.ts";
import { streamEvents } from "#lib/http/events.ts";
import { lookAtRights } from "#lib/http/watch-right.ts";
import { answering } from "#lib/http/route.ts";
import { newPerson } from "../../support/actors.ts";
import { openEvents } from "../../support/event-stream.ts";
import { type Served, serve } from "../../support/serve.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let served: Served;
let ann: Person;

/** Something that moves whenever somebody looks, for whoever asks. */
let moves = 0;
const feed = {
  id: "01890000-0000-7000-8000-000000000001",
  read: async () => ({ moves: (moves += 1) }),
  changes: () => [{ name: "state", data: {} }],
  hasEnded: () => false,
};

beforeAll(async () => {
  ann = await newPerson("ann");
  served = await serve((request) =>
    answering(request, "/events", async () => streamEvents(request, feed, await actorOf(request.headers))),
  );
});
afterAll(async () => {
  await served.close();
  await hub.close();
});

const tokenOf = (name: string) => createToken(ann, { name, scopes: ["read"] });
const as = (secret: string) => ({ authorization: `Bearer ${secret}` });

/** Reads until the server ends the stream. */
async function untilEnd(stream: Awaited<ReturnType<typeof openEvents>>): Promise<void> {
  while ((await stream.next()) !== null);
}

test("a stream ends soon after its token was deleted, and those of others go on", async () => {
  const [one, other] = [await tokenOf("one"), await tokenOf("other")];
  const [ending, staying, stranger] = await Promise.all([
    openEvents(served.url, as(one.secret)),
    openEvents(served.url, as(other.secret)),
    openEvents(served.url),
  ]);
  expect(await ending.next()).toMatchObject({ name: "state" });
  await deleteToken(ann, one.id);
  await lookAtRights();
  await untilEnd(ending);
  await expect(openEvents(served.url, as(one.secret))).rejects.toThrow("401");
  for (const stream of [staying, stranger]) {
    expect(await stream.next()).toMatchObject({ name: "state" });
    stream.drop();
  }
});

test("a stream of who was an operator, or of who is gone, ends", async () => {
  const { secret } = await tokenOf("operator");
  await database().user.update({ where: { id: ann.userId }, data: { isOperator: true } });
  const stream = await openEvents(served.url, as(secret));
  expect(await stream.next()).toMatchObject({ name: "state" });
  await database().user.update({ where: { id: ann.userId }, data: { isOperator: false } });
  await lookAtRights();
  await untilEnd(stream);
});
