import { type IncomingMessage, get as open } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { createToken, deleteToken } from "#lib/auth/token.ts";
import { deleteRepo, updateRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { countRights, lookAtRights } from "#lib/http/watch-right.ts";
import { newOrganisation, newPerson } from "../../support/actors.ts";
import { newRepoWith } from "../../support/evidence.ts";
import { serveApp } from "../../support/serve-app.ts";
import type { Served } from "../../support/serve.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { until } from "../../support/until.ts";

// A download is a file too large for what lies between two sockets, of which its reader has taken the beginning. Then a right changes, the
// hub looks as it does every twenty seconds, and the reader takes what comes.

const BYTES = 20 * 2 ** 20;
const hub = await useTempHub();
let served: Served;
let owner: Person;
let bob: Person;
let made = 0;

beforeAll(async () => {
  served = await serveApp();
  [owner, bob] = [await newPerson("ann"), await newPerson("bob")];
  await newOrganisation("lab", [[owner, "owner"]]);
});
beforeEach(async () => {
  await database().member.deleteMany({ where: { userId: bob.userId } });
  const { id } = await database().namespace.findUniqueOrThrow({ where: { nameKey: "lab" } });
  await database().member.create({ data: { namespaceId: id, userId: bob.userId, role: "reader" } });
});
afterAll(async () => {
  await served.close();
  await hub.close();
});

const newRepo = async (visibility: "public" | "private") => {
  const name = `clay-${made++}`;
  const files = { "clay.safetensors": Buffer.alloc(BYTES, "clay") };
  await newRepoWith({ ...owner, name: "lab" }, { name, kind: "finetune", visibility }, files);
  return { owner: "lab", repo: name };
};

const tokenOf = (person: Person) => createToken(person, { name: "t", scopes: ["read"] });

type Named = Awaited<ReturnType<typeof newRepo>>;

/** The signed address of its file. */
async function linkOf({ owner: namespace, repo }: Named, secret?: string): Promise<string> {
  const response = await fetch(`${served.url}/${namespace}/${repo}/resolve/main/clay.safetensors`, {
    redirect: "manual",
    headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` },
  });
  expect(response.status).toBe(302);
  return response.headers.get("location")!.replace("http://localhost:3000", served.url);
}

/** A download of which nothing but the beginning was taken. */
async function begin(link: string): Promise<{ readonly finish: () => Promise<number> }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) =>
    open(link, { agent: false }, resolve).on("error", reject),
  );
  expect(answer.statusCode).toBe(200);
  return {
    finish: async () => {
      let bytes = 0;
      try {
        for await (const chunk of answer) bytes += (chunk as Buffer).byteLength;
      } catch {
        // The connection was ended.
      }
      return bytes;
    },
  };
}

const losses: Readonly<Record<string, (repo: Named, tokenId: string) => Promise<unknown>>> = {
  "it is deleted": (repo) => deleteRepo(owner, repo),
  "they are no member any more": () => database().member.deleteMany({ where: { userId: bob.userId } }),
  "their token is deleted": (_, id) => deleteToken(bob, id),
  "their token has expired": (_, id) =>
    database().apikey.update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1000) } }),
};

for (const [what, lose] of Object.entries(losses))
  test(`a download of a private repo ends in the middle when ${what}, and its address begins none`, async () => {
    const repo = await newRepo("private");
    const { id, secret } = await tokenOf(bob);
    const mine = await tokenOf(owner);
    const [link, ownersLink] = [await linkOf(repo, secret), await linkOf(repo, mine.secret)];
    const [his, hers] = [await begin(link), await begin(ownersLink)];
    await lookAtRights();
    await lose(repo, id);
    await lookAtRights();
    expect(await his.finish()).toBeLessThan(BYTES);
    const hasGone = what === "it is deleted";
    expect((await hers.finish()) === BYTES).toBe(!hasGone);
    expect((await fetch(link)).status).toBe(404);
    expect((await fetch(ownersLink, { method: "HEAD" })).status).toBe(hasGone ? 404 : 200);
    await until(
      async () => countRights(),
      (rights) => rights === 0,
    );
  });

test("a public repo that turns private ends strangers' downloads, its members go on; a deleted token takes nothing public away", async () => {
  const repo = await newRepo("public");
  const { id, secret } = await tokenOf(bob);
  const strangers = await begin(await linkOf(repo));
  const members = await begin(await linkOf(repo, (await tokenOf(bob)).secret));
  const other = await newRepo("public");
  const ofOther = await begin(await linkOf(other, secret));
  await updateRepo(owner, repo, { visibility: "private" });
  await deleteToken(bob, id);
  await lookAtRights();
  expect(await strangers.finish()).toBeLessThan(BYTES);
  expect(await members.finish()).toBe(BYTES);
  expect(await ofOther.finish()).toBe(BYTES);
  await until(
    async () => countRights(),
    (rights) => rights === 0,
  );
});

test("an operator who is none any more", async () => {
  const repo = await newRepo("private");
  const eve = await newPerson("eve", { isOperator: true });
  const download = await begin(await linkOf(repo, (await tokenOf(eve)).secret));
  await lookAtRights();
  await database().user.update({ where: { id: eve.userId }, data: { isOperator: false } });
  await lookAtRights();
  expect(await download.finish()).toBeLessThan(BYTES);
});
