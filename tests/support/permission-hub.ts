import { randomUUID } from "node:crypto";
import { auth } from "#lib/auth/better-auth.ts";
import { createToken } from "#lib/auth/token.ts";
import { hub as theHub, type Person, type Scope, scopes } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { storedRecipe } from "#lib/catalog/previews/schema.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { usualChoice } from "#lib/pairing/guide-choice.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { newOrganisation, newPerson } from "./actors.ts";
import { asking } from "./previews.ts";
import { sha256Of, weightsOf } from "./upload-client.ts";
import { stageWhole } from "./stage-upload.ts";
import { newUnit } from "./units.ts";

/** Who asks: what they are to the organisation “lab” and its repos. */
export const people = ["stranger", "reader", "writer", "owner", "operator"] as const;
export type Who = "anonymous" | (typeof people)[number];

/** Somebody, and what they show for it. */
export interface Identity {
  readonly who: Who;
  readonly shows: "nothing" | "session" | "token" | "expired token" | "revoked token";
  /** Of a token; a session has all. */
  readonly scopes: ReadonlySet<Scope>;
  headers(): Promise<Record<string, string>>;
}

const subsets: readonly (readonly Scope[])[] = Array.from({ length: 2 ** scopes.length }, (_, bits) =>
  scopes.filter((_scope, at) => bits & (1 << at)),
);

/** The organisation “lab” with its members, and everybody with a session, with a token of each set of scopes, and with dead ones. */
export async function fillPermissionHub(): Promise<{
  persons: Record<Exclude<Who, "anonymous">, Person>;
  identities: Identity[];
}> {
  const [stranger, reader, writer, owner, operator] = [
    await newPerson("stranger"),
    await newPerson("reader"),
    await newPerson("writer"),
    await newPerson("owner"),
    await newPerson("operator", { isOperator: true }),
  ];
  await newPerson("newcomer");
  await newOrganisation("lab", [
    [owner, "owner"],
    [reader, "reader"],
    [writer, "writer"],
  ]);
  const persons = { stranger, reader, writer, owner, operator };
  const identities: Identity[] = [
    { who: "anonymous", shows: "nothing", scopes: new Set(), headers: async () => ({}) },
    ...(await Promise.all(people.map((who) => identitiesOf(who, persons[who])))).flat(),
  ];
  return { persons, identities };
}

async function identitiesOf(who: Exclude<Who, "anonymous">, person: Person): Promise<Identity[]> {
  const all = new Set(scopes);
  const session: Identity = { who, shows: "session", scopes: all, headers: () => sessionOf(person) };
  const tokens = await Promise.all(
    subsets.map(async (granted): Promise<Identity> => {
      const secret = await tokenWith(person, granted);
      return { who, shows: "token", scopes: new Set(granted), headers: async () => bearer(secret) };
    }),
  );
  const dead = (["expired token", "revoked token"] as const).map(async (shows): Promise<Identity> => {
    const made = await createToken(person, { name: shows, scopes });
    if (shows === "expired token")
      await database().apikey.update({ where: { id: made.id }, data: { expiresAt: new Date(Date.now() - 1000) } });
    else await database().apikey.delete({ where: { id: made.id } });
    return { who, shows, scopes: all, headers: async () => bearer(made.secret) };
  });
  return [session, ...tokens, ...(who === "owner" || who === "operator" ? await Promise.all(dead) : [])];
}

const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

/** A token with no scope cannot be made any more; one may be there. */
async function tokenWith(person: Person, granted: readonly Scope[]): Promise<string> {
  const { id, secret } = await createToken(person, {
    name: granted.join(" "),
    scopes: granted.length > 0 ? granted : ["read"],
  });
  if (granted.length === 0) await database().apikey.update({ where: { id }, data: { permissions: null } });
  return secret;
}

const cookies = new Map<string, string>();

/** Of the person's session; a new one where the last has been ended. */
async function sessionOf(person: Person): Promise<Record<string, string>> {
  const kept = cookies.get(person.userId);
  if (kept !== undefined && (await database().session.count({ where: { userId: person.userId } })) > 0)
    return { cookie: kept };
  const { headers } = await auth().api.openSession({
    body: { userId: person.userId },
    headers: new Headers(),
    returnHeaders: true,
  });
  const cookie = headers.getSetCookie()[0]!.split(";")[0]!;
  cookies.set(person.userId, cookie);
  return { cookie };
}

/** What all of a private repo is called, so that an answer which tells of it is found out. */
export const SECRET = "hushed";

/** A repo of “lab” and one of everything that can be asked of it. */
export interface Subjects {
  readonly repo: string;
  readonly visibility: "public" | "private";
  readonly commit: string;
  readonly guide: string;
  readonly base: string;
  /** Began by `writer`, and read by nobody yet. */
  readonly upload: string;
  readonly inspection: string;
  readonly pair: string;
  /** Asked for by `reader`, shown on no page. */
  readonly preview: string;
  /** Shown on the page of its model. */
  readonly attached: string;
  /** Of the base, by `writer`, into the guide's repo; it waits. */
  readonly distillation: string;
}

export async function newSubjects(
  visibility: "public" | "private",
  { writer, reader }: Pick<Awaited<ReturnType<typeof fillPermissionHub>>["persons"], "writer" | "reader">,
): Promise<Subjects> {
  const word = visibility === "private" ? SECRET : "open";
  const made = async (kind: "base" | "finetune" | "guide") => {
    const name = { owner: "lab", repo: `${visibility}-${kind}` };
    await createRepo(theHub, { owner: "lab", name: name.repo, kind, visibility, summary: `${word} summary` });
    const { id } = await createCommit(writer, name, {
      title: `${word} title`,
      operations: [
        { op: "add", path: `${word}.txt`, content: `${word} ${kind}` },
        { op: "add", path: "README.md", content: `${word} card` },
      ],
    });
    const weights = sha256Of(`${word} ${kind}`);
    await database().inspection.updateMany({ where: { commitId: id }, data: { weightsSha256: weights } });
    return { name, commit: id, weights };
  };
  const [base, model, guide] = [await made("base"), await made("finetune"), await made("guide")];
  const upload = await stageWhole(writer, `lab/${model.name.repo}`, `${word}.safetensors`, weightsOf(1000));
  const pair = await database().pair.create({
    data: {
      unitId: (await newUnit(model.commit, model.weights)).id,
      unitHash: model.weights,
      guideWeightsSha256: guide.weights,
      protocol: "1",
      runtime: "cpu-f32",
      finetuneCommitId: model.commit,
      guideCommitId: guide.commit,
      summary: { request: { pictures: 48 } },
    },
  });
  await queued("check", pair.id);
  const preview = (isAttached: boolean, more: object = {}): Promise<string> =>
    newPreviewRow(reader, { finetune: model, guide, base }, isAttached, more);
  const inspection = await database().inspection.findFirstOrThrow({ where: { commitId: model.commit } });
  return {
    repo: model.name.repo,
    visibility,
    commit: model.commit,
    guide: guide.name.repo,
    base: base.name.repo,
    upload: upload.id,
    inspection: inspection.id,
    pair: pair.id,
    preview: await preview(false),
    attached: await preview(true),
    distillation: await newDistillationRow(writer, base.commit, guide.name.repo),
  };
}

interface Part {
  readonly name: { readonly owner: string; readonly repo: string };
  readonly commit: string;
  readonly weights: string;
}

async function newPreviewRow(
  { userId }: Person,
  { finetune, guide, base }: Record<"finetune" | "guide" | "base", Part>,
  isAttached: boolean,
  more: object,
): Promise<string> {
  const nameOf = ({ name }: Part): string => `${name.owner}/${name.repo}`;
  const { id: _, ...asked } = asking({ finetune: nameOf(finetune), guide: nameOf(guide) });
  const recipe = storedRecipe.parse({
    asked,
    base: { commitId: base.commit, name: nameOf(base) },
    lowRank: [],
    guide: { commitId: guide.commit, name: nameOf(guide), path: "guide.safetensors" },
  });
  const { id } = await database().preview.create({
    data: {
      id: randomUUID(),
      userId,
      unitId: (await newUnit(finetune.commit, finetune.weights)).id,
      finetuneCommitId: finetune.commit,
      guideCommitId: guide.commit,
      recipe,
      ...(isAttached && { state: "succeeded", isAttached: true, finishedAt: new Date() }),
      ...more,
    },
  });
  if (!isAttached) await queued("preview", id, userId);
  return id;
}

async function newDistillationRow({ userId }: Person, baseCommitId: string, guide: string): Promise<string> {
  const { id: repoId } = await database().repo.findFirstOrThrow({ where: { name: guide } });
  const data = { repoId, userId, baseCommitId, asked: { choice: usualChoice, prompts: null } };
  const { id } = await database().distillation.create({ data, select: { id: true } });
  await queued("distill", id, userId);
  return id;
}

/** In the queue as it is when it was asked for. */
const queued = (kind: "check" | "preview" | "distill", subjectId: string, userId?: string): Promise<void> =>
  inTransaction(database(), (transaction) =>
    enqueue(transaction, { kind, subjectId, priority: "person", ...(userId !== undefined && { userId }) }),
  );

/** Puts back what a call has removed, and does nothing where it is there. */
export const again = {
  repo: (name: string) => database().repo.updateMany({ where: { name }, data: { deletedAt: null } }),
  async tag(repo: string, name: string, commitId: string): Promise<void> {
    const { id: repoId } = await database().repo.findFirstOrThrow({ where: { name: repo } });
    await database().ref.upsert({
      where: { repoId_name: { repoId, name } },
      create: { repoId, name, kind: "tag", commitId },
      update: {},
    });
  },
  async member(username: string, role: "reader" | "writer" | "owner"): Promise<void> {
    const { id: namespaceId } = await database().namespace.findUniqueOrThrow({ where: { nameKey: "lab" } });
    const { userId } = await database().namespace.findUniqueOrThrow({ where: { nameKey: username } });
    const key = { namespaceId, userId: userId! };
    await database().member.upsert({ where: { namespaceId_userId: key }, create: { ...key, role }, update: { role } });
  },
  async preview(id: string): Promise<void> {
    const row = await database().preview.findUnique({ where: { id }, omit: { shelf: true } }); // which PostgreSQL works out
    if (row) return void kept.set(id, Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)));
    const { userId } = await database().preview.create({ data: kept.get(id)! as never });
    await queued("preview", id, userId!);
  },
} as const;

const kept = new Map<string, object>();
