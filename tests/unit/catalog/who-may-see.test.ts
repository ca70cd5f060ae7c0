import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { createToken } from "#lib/auth/token.ts";
import { readManifest } from "#lib/catalog/commits/service.ts";
import { requestCheck } from "#lib/catalog/pairs/service.ts";
import { getCheck, recordOutcome, saveProgress } from "#lib/catalog/pairs/work.ts";
import { createPreview } from "#lib/catalog/previews/service.ts";
import { newDistillation } from "#lib/catalog/distillations/schema.ts";
import { createDistillation } from "#lib/catalog/distillations/service.ts";
import { modes } from "#lib/catalog/previews/schema.ts";
import { getRecipe, recordPicture, recordSuccess } from "#lib/catalog/previews/work.ts";
import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { completeUpload, signParts } from "#lib/catalog/uploads/service.ts";
import { addSheet } from "#lib/catalog/sheets/work.ts";
import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { doorsOf } from "#lib/http/door.ts";
import { toOpenApi } from "#lib/http/openapi.ts";
import { operations } from "#lib/http/operations/all.ts";
import type { RouteHandler } from "#lib/http/route.ts";
import { encodePng } from "#lib/picture/png.ts";
import type { RecipeJson } from "#lib/picture/recipe.ts";
import { claimJob } from "../../support/attempts.ts";
import { newOrganisation, newPerson } from "../../support/actors.ts";
import { baseFiles, letJudge, newRepoWith, starterFiles, workOff } from "../../support/evidence.ts";
import { type OpenApi, targetsOf } from "../../support/fuzz/targets.ts";
import { asking } from "../../support/previews.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { startWeb, type WebProcess } from "../../support/web-process.ts";
import { nothingMeasured } from "../../support/nothing-measured.ts";
import { routeFiles } from "../../support/route-files.ts";

// A base that is hidden, a public LoRA on it and a public guide for it. Strangers ask every door of the OpenAPI document, and every page,
// form and file of the folder `app`, for every id that there is; no answer may hold a word of what is hidden. A door with a parameter or a
// body that nothing below knows fails, and so does a page without a row.

const SECRET = "hushed";
const hub = await useTempHub();
let ann: Person;
let bob: Person;
let tokens: Record<"ann" | "bob" | "carl", string>;
let hidden: readonly string[];
let web: WebProcess;
const commits: Record<string, string> = {};
const known: string[] = []; // ids of everything that was ever told

const newToken = async (person: Person): Promise<string> =>
  (await createToken(person, { name: "all", scopes: ["read", "write", "run"] })).secret;

beforeAll(async () => {
  [ann, bob] = [await newPerson("ann"), await newPerson("bob")];
  await newOrganisation("lab", [
    [ann, "owner"],
    [bob, "reader"],
  ]);
  tokens = { ann: await newToken(ann), bob: await newToken(bob), carl: await newToken(await newPerson("carl")) };
  const files = { ...(await baseFiles()), [`${SECRET}/notes.txt`]: SECRET };
  const made = await newRepoWith({ ...ann, name: "lab" }, { name: `${SECRET}-base`, kind: "base" }, files);
  commits["base"] = made.commitId;
  hidden = [SECRET, made.repo.id, made.commitId];
  web = await startWeb(hub.variables);
}, 600_000);
afterAll(async () => {
  await web?.stop();
  await hub.close();
});

/** A public model and a public guide of the hidden base, all read, and nothing measured. */
async function addModelAndGuide(): Promise<void> {
  const base = `lab/${SECRET}-base`;
  const evaluator = await letJudge(ann, [base]);
  const model = await newRepoWith(ann, { name: "neon", kind: "finetune", base }, await starterFiles("neon-lora"));
  const guide = await newRepoWith(ann, { name: "tiny", kind: "guide", base }, await starterFiles("guide-tiny"));
  Object.assign(commits, { model: model.commitId, guide: guide.commitId });
  await workOff("inspect");
  await database().pair.deleteMany(); // what is measured here is asked for below

  const shaOf = async (commit: string) => (await readManifest(commit)).map(({ sha256 }) => sha256);
  const told = JSON.stringify(await database().inspection.findFirst({ where: { commitId: guide.commitId } })); // a guide's own file names its base's
  const isOpen = new Set((await Promise.all([model, guide, evaluator].map(({ commitId }) => shaOf(commitId)))).flat());
  const own = await database().inspection.findFirstOrThrow({ where: { commitId: commits["base"]! } });
  hidden = [
    ...hidden,
    own.id,
    own.weightsSha256!,
    own.ownWeightsSha256!,
    ...(await shaOf(commits["base"]!)).filter((sha256) => !isOpen.has(sha256) && !told.includes(sha256)),
  ];
}

const app = join(import.meta.dirname, "../../../app");
const handlers = new Map<string, RouteHandler>();
for (const path of routeFiles(app))
  for (const [, handler] of Object.entries((await import(join(app, path))) as Record<string, RouteHandler>))
    for (const door of doorsOf(handler))
      if (`/${path.replace(/\/?route\.ts$/, "")}`.replaceAll(/\[(?:\.\.\.)?(\w+)\]/g, "{$1}") === door.path)
        handlers.set(door.id, handler);

interface Asked {
  readonly id: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const pair = { finetune: "ann/neon", guide: "ann/tiny" };
const base = () => `lab/${SECRET}-base`;

/** What stands for each parameter of an address. */
const values = (): Readonly<Record<string, readonly string[]>> => ({
  "owner/repo": ["ann/neon", "ann/tiny", base()],
  name: ["lab", "ann", "bob"],
  username: ["ann"],
  revision: ["main", ...Object.values(commits)],
  ref: ["main"],
  id: known,
  subjectId: known,
  mode: modes,
  question: ["0123456789abcdef0123456789abcdef"],
  hash: hashesOfHidden(),
  sample: ["0-0-cfg"],
});

/** The sha256 of each file of the hidden base, and what else of it goes by so many digits. */
const hashesOfHidden = (): string[] => hidden.filter((one) => /^[0-9a-f]{64}$/.test(one));

/** What is asked beside the address, where the defaults do not show all. */
const queries: Readonly<Record<string, readonly Record<string, string>[]>> = {
  listRepos: [{ facets: "true" }, { q: SECRET }, { owner: "lab" }, { measured: "verified", facets: "true" }],
  getInspection: [{}, { revision: "main" }],
  getPair: [{}, { raw: "true" }],
  listPairs: [{}, { finetune: pair.finetune }, { guide: pair.guide }, { verdict: "verified" }],
  listPreviews: [{}, { sheet: "true" }, { attached: "true" }, { mine: "true" }, { finetune: pair.finetune }],
  forecastPreview: [pair, { finetune: base() }],
  estimateDistillation: [{ base: base() }],
  listDistillations: [{}, { mine: "true" }],
  listJobs: [{}, { mine: "true" }, { state: "running" }],
};

const bodies = (): Readonly<Record<string, readonly unknown[]>> => ({
  requestCheck: [pair, { ...pair, loraStrength: 0.5 }, { ...pair, finetune: base() }],
  createPreview: [asking(pair), asking({ ...pair, guide: null }), asking({ ...pair, finetune: base() })],
  rerunPreview: [{}],
  createDistillation: [{ base: base(), owner: "bob", name: randomUUID() }],
  attachPreview: [{ attached: true }],
  openRecipe: hashesOfHidden().map((sha256) => ({
    parameters: `a house\nSteps: 20, Model hash: ${sha256.slice(0, 10)}, Model: x`,
  })),
  listByHash: [hashesOfHidden()],
  installEvaluator: [{ repo: base() }, { repo: "ann/evaluator", bases: [base()] }],
  answerComparison: [{ question: "0123456789abcdef0123456789abcdef", answer: "first" }],
  createRepo: [{ owner: "bob", name: randomUUID(), kind: "finetune", visibility: "private", base: base() }],
  updateRepo: [{ summary: "x" }],
  createRef: [{ name: "x", kind: "tag", revision: commits["base"] }],
  createCommit: [{ title: "x", operations: [{ op: "add", path: "x", content: "x" }] }],
  beginUpload: [{ path: "x.safetensors", size: 10 }],
  signUploadParts: [{ parts: [{ number: 1 }] }],
  completeUpload: [{}],
});

/** Every way of asking for every id, of every endpoint but those of one's own account. */
function everything(): Asked[] {
  const document = toOpenApi(operations, env().publicUrl) as { paths: Record<string, Record<string, unknown>> };
  const described = Object.values(document.paths).flatMap((methods) => Object.values(methods)) as {
    operationId: string;
    tags: string[];
    parameters: { name: string; in: string; required: boolean }[];
    requestBody?: unknown;
  }[];
  return described
    .filter(({ tags }) => !tags.includes("account"))
    .flatMap(({ operationId: id, parameters, requestBody }) => {
      const names = parameters.filter((one) => one.in === "path").map(({ name }) => name);
      const keys = names.includes("owner")
        ? ["owner/repo", ...names.filter((name) => name !== "owner" && name !== "repo")]
        : names;
      const addresses = keys.reduce<Record<string, string>[]>(
        (all, key) => all.flatMap((one) => valuesOf(id, key).map((value) => ({ ...one, ...toParams(key, value) }))),
        [{}],
      );
      const needed = parameters.filter((one) => one.in === "query" && one.required).map(({ name }) => name);
      const asked = queries[id] ?? [{}];
      if (needed.some((name) => !asked.every((one) => name in one)))
        throw new Error(`${id} needs ${needed.join()}; add it to “queries”.`);
      const sent = requestBody ? bodies()[id] : [undefined];
      if (!sent) throw new Error(`${id} takes a body; add it to “bodies”.`);
      return addresses.flatMap((params) => asked.flatMap((query) => sent.map((body) => ({ id, params, query, body }))));
    });
}

function valuesOf(id: string, key: string): readonly string[] {
  const found = values()[key];
  if (!found) throw new Error(`${id} has a parameter “${key}”; say in “values” what stands for it.`);
  return found;
}

const toParams = (key: string, value: string): Record<string, string> =>
  key === "owner/repo" ? { owner: value.split("/")[0]!, repo: value.split("/")[1]! } : { [key]: value };

async function ask({ id, params, query, body }: Asked, token: string | null): Promise<Response> {
  const operation = operations.find((one) => one.id === id)!;
  return handlers.get(id)!(
    new Request(`${env().publicUrl}/?${new URLSearchParams(query)}`, {
      method: operation.method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
    { params: Promise.resolve({ ...params }) },
  );
}

type Addresses = () => readonly string[];

/** Of each page, and of each other answer that stands in no document, the addresses that are asked for. */
const visits: Readonly<Record<string, Addresses>> = {
  "/": () => ["/"],
  "/api/{rest*}": () => [`/api/datasets/lab/${SECRET}`],
  "/api/models": () => ["/api/models", `/api/models?search=${SECRET}`, "/api/models?author=lab&full=true"],
  "/api/models/{owner}/{repo}": () => ofModels("", "?blobs=true"),
  "/api/models/{owner}/{repo}/auth-check": () => ofModels("/auth-check"),
  "/api/models/{owner}/{repo}/auth-check/write": () => ofModels("/auth-check/write"),
  "/api/models/{owner}/{repo}/commits/{revision}": () => modelsAtRevisions("commits"),
  "/api/models/{owner}/{repo}/refs": () => ofModels("/refs"),
  "/api/models/{owner}/{repo}/revision/{revision}": () => modelsAtRevisions("revision"),
  "/api/models/{owner}/{repo}/tree/{revision}": () =>
    modelsAtRevisions("tree").flatMap((address) => [address, `${address}?recursive=true&expand=true`]),
  "/api/models/{owner}/{repo}/tree/{revision}/{path*}": () =>
    modelsAtRevisions("tree").map((address) => `${address}/${SECRET}`),
  "/api/whoami-v2": () => ["/api/whoami-v2"],
  "/browse": () => [
    "/browse",
    `/browse?q=${SECRET}`,
    `/browse?q=${SECRET.slice(0, -1)}x`, // names like it
    `/browse?base=${base()}`,
    "/browse?owner=lab",
    "/browse?measured=verified&sort=downloads",
  ],
  "/datasets/{rest*}": () => [`/datasets/lab/${SECRET}`],
  "/components": () => ["/components"],
  "/distillations": () => ["/distillations", "/distillations?mine=true"],
  "/distillations/new": () => ["/distillations/new", `/distillations/new?base=${base()}`],
  "/distillations/{id}": () => known.map((id) => `/distillations/${id}`),
  "/healthz": () => ["/healthz"],
  "/jobs": () => ["/jobs", "/jobs?state=running", "/jobs?mine=true"],
  "/jobs/{subjectId}": () => known.map((id) => `/jobs/${id}`),
  "/join": () => ["/join"],
  "/matrix": () => ["/matrix", `/matrix?base=${base()}`],
  "/matrix/table.csv": () => [`/matrix/table.csv?base=${base()}`],
  "/oauth/{rest*}": () => ["/oauth/userinfo"],
  "/pairs": () => [
    "/pairs",
    `/pairs?finetune=${pair.finetune}`,
    `/pairs?guide=${pair.guide}`,
    "/pairs?verdict=verified",
  ],
  "/pairs/{id}": () => known.map((id) => `/pairs/${id}`),
  "/pairs/{id}/tell": () => known.map((id) => `/pairs/${id}/tell`),
  "/preview": () => [
    "/preview",
    `/preview?finetune=${pair.finetune}&guide=${pair.guide}`,
    `/preview?finetune=${base()}`,
    `/preview?finetune=${pair.finetune}&revision=${commits["base"]}`,
  ],
  "/previews": () => ["/previews", `/previews?finetune=${pair.finetune}`, "/previews?sheet=true"],
  "/previews/{id}": () => known.map((id) => `/previews/${id}`),
  "/readyz": () => ["/readyz"],
  "/reference": () => ["/reference"],
  "/reference/{operation}": () => ["/reference/getRepo"],
  "/settings": () => ["/settings"],
  "/settings/organisations/{name}": () => ["/settings/organisations/lab"],
  "/pairs/{id}/values.csv": () => known.map((id) => `/pairs/${id}/values.csv`),
  "/pairs/{id}/ways.csv": () => known.map((id) => `/pairs/${id}/ways.csv`),
  "/pairs/{id}/envelope.csv": () => known.map((id) => `/pairs/${id}/envelope.csv`),
  "/pairs/{id}/badge.svg": () => known.map((id) => `/pairs/${id}/badge.svg`),
  "/settings/quotas/{name}": () => ["/settings/quotas/lab"],
  "/sign-in": () => [`/sign-in?next=/`],
  "/spaces/{rest*}": () => [`/spaces/lab/${SECRET}`],
  "/storage/{path*}": () => known.map((id) => `/storage/pictures/${id}`),
  "/upload": () => ["/upload", `/upload?repo=${base()}`],
  "/words": () => ["/words"],
  "/{owner}": () => ["/lab", "/ann", "/bob"],
  "/{owner}/{repo}": () => repos().map((repo) => `/${repo}`),
  "/{owner}/{repo}/commits/{revision}": () => atRevisions("commits"),
  "/{owner}/{repo}/raw/{revision}/{path*}": () => filesAt("raw"),
  "/{owner}/{repo}/resolve/{revision}/{path*}": () => filesAt("resolve"),
  "/{owner}/{repo}/settings": () => repos().map((repo) => `/${repo}/settings`),
  "/{owner}/{repo}/tree/{revision}/{path*}": () =>
    atRevisions("tree").flatMap((address) => [address, `${address}/README.md`]),
};

const repos = () => values()["owner/repo"]!;

/** Each repo at its branch, and those that all may read at the hidden repo's commit. */
const atRevisions = (what: string): readonly string[] => [
  ...repos().map((repo) => `/${repo}/${what}/main`),
  ...[pair.finetune, pair.guide].map((repo) => `/${repo}/${what}/${commits["base"]}`),
];

const filesAt = (what: string): readonly string[] =>
  atRevisions(what).flatMap((address) => ["README.md", `${SECRET}/notes.txt`].map((file) => `${address}/${file}`));

/** The same for clients of the Hub. */
const ofModels = (...rests: readonly string[]): readonly string[] =>
  repos().flatMap((repo) => rests.map((rest) => `/api/models/${repo}${rest}`));
const modelsAtRevisions = (what: string): readonly string[] =>
  atRevisions(what).map((address) => `/api/models${address}`);

const ofAccount: Addresses = () => [];

/** Of each form what is sent to it; those of one's own account tell nothing of others. */
const forms: Readonly<Record<string, Addresses>> = {
  "/distillations/begin": () => [`/distillations/begin?base=${base()}&name=made-too`],
  "/distillations/{id}/{action}": () =>
    known.map((id, at) => `/distillations/${id}/${["pause", "resume", "cancel"][at % 3]}`),
  "/api/models/{owner}/{repo}/paths-info/{revision}": () =>
    modelsAtRevisions("paths-info").map((address) => `${address}?paths=${SECRET}/notes.txt`),
  "/api/{rest*}": ofAccount,
  "/datasets/{rest*}": ofAccount,
  "/jobs/{subjectId}/{action}": () => known.map((id, at) => `/jobs/${id}/${["cancel", "rerun"][at % 2]}`),
  "/join/submit": ofAccount,
  "/oauth/{rest*}": ofAccount,
  "/pairs/measure": () => [pair.finetune, base()].map((one) => `/pairs/measure?finetune=${one}&guide=${pair.guide}`),
  "/pairs/{id}/cancel": () => known.map((id) => `/pairs/${id}/cancel`),
  "/pairs/{id}/envelope": () => known.map((id) => `/pairs/${id}/envelope`),
  "/pairs/{id}/tell/answer": () =>
    known.map((id) => `/pairs/${id}/tell/answer?question=${values()["question"]![0]}&answer=first`),
  "/preview/run": () => [
    `/preview/run?${new URLSearchParams(Object.entries(asking(pair)).map(([name, value]) => [name, String(value)]))}`,
  ],
  "/previews/{id}/{action}": () =>
    known.map((id, at) => `/previews/${id}/${["cancel", "rerun", "show", "hide", "delete"][at % 5]}`),
  "/settings/evaluators": () => [`/settings/evaluators?evaluator=ann/evaluator&bases=${base()}`],
  "/settings/evaluators/{id}/remove": () => known.map((id) => `/settings/evaluators/${id}/remove`),
  "/settings/invitations": ofAccount,
  "/settings/invitations/{id}/delete": ofAccount,
  "/settings/name": ofAccount,
  "/settings/organisations": ofAccount,
  "/settings/organisations/{name}/members": ofAccount,
  "/settings/organisations/{name}/members/{username}/remove": ofAccount,
  "/settings/password": ofAccount,
  "/settings/quotas": ofAccount,
  "/settings/quotas/{name}/set": ofAccount,
  "/settings/tokens": ofAccount,
  "/settings/tokens/{id}/delete": ofAccount,
  "/sign-in/submit": ofAccount,
  "/sign-out": ofAccount,
  "/spaces/{rest*}": ofAccount,
  "/theme": ofAccount,
  "/{owner}/{repo}/settings/delete": () => [`/${base()}/settings/delete?confirm=${base()}`],
  "/{owner}/{repo}/settings/save": () => [`/${base()}/settings/save?summary=x`],
};

interface Visit {
  readonly method: string;
  readonly address: string;
}

/** Every page, form and file; those that the document describes are asked for with it. */
function everyVisit(): Visit[] {
  const document = toOpenApi(operations, env().publicUrl) as unknown as OpenApi;
  return targetsOf(document)
    .filter(({ path }) => !(path in document.paths))
    .flatMap(({ method, path }) => {
      if (method === "PUT") return []; // takes bytes, for whoever holds its signed address
      const addresses = (method === "POST" ? forms : visits)[path];
      if (!addresses) throw new Error(`${method} ${path} is asked for by nobody; add it to “visits” or “forms”.`);
      return addresses().map((address) => ({ method, address }));
    });
}

async function visit({ method, address }: Visit, token: string | null): Promise<{ status: number; told: string }> {
  const [path, fields = ""] = address.split("?");
  const answer = await fetch(web.url + (method === "POST" ? path : address), {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(method === "POST" && { origin: web.url, "content-type": "application/x-www-form-urlencoded" }),
    },
    ...(method === "POST" && { body: fields }),
    redirect: "manual",
  });
  const shown = answer.headers.getSetCookie().map((cookie) => Buffer.from(cookie.split(/[=;]/)[1]!, "base64url"));
  return { status: answer.status, told: [await textOf(answer), ...shown].join(" ") };
}

/** Of a stream what it says at once. */
async function textOf(response: Response): Promise<string> {
  const headers = JSON.stringify([...response.headers]);
  if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true)
    return `${headers} ${Buffer.from(await response.arrayBuffer()).toString("latin1")}`;
  const reader = response.body!.getReader();
  const said: string[] = [];
  for (let i = 0; i < 2; i++) said.push(Buffer.from((await reader.read()).value ?? []).toString());
  await reader.cancel();
  return said.join("");
}

/** What strangers are told of what is hidden; pages, which take longer, tell the last of them. */
async function sweep(strangers: readonly (string | null)[]): Promise<string[]> {
  const leaks: string[] = [];
  for (const asked of everything())
    for (const token of strangers) {
      const response = await ask(asked, token);
      const told = await textOf(response);
      const given = JSON.stringify([asked.params, asked.query, asked.body]);
      const found = hidden.filter((one) => told.includes(one) && !given.includes(one));
      if (found.length > 0) leaks.push(`${asked.id} ${given} ${response.status}: ${found.join()}`);
      if (response.status >= 500 && asked.id !== "getReadiness") leaks.push(`${asked.id} ${given}: ${told}`);
    }
  return [...leaks, ...(await leaksOfVisits(strangers.at(-1)!))];
}

async function leaksOfVisits(token: string | null): Promise<string[]> {
  const leaks: string[] = [];
  for (const asked of everyVisit()) {
    const { status, told } = await visit(asked, token);
    const found = hidden.filter((one) => told.includes(one) && !asked.address.includes(one));
    if (found.length > 0) leaks.push(`${asked.method} ${asked.address} ${status}: ${found.join()}`);
    if (status >= 500 && status !== 501 && asked.address !== "/readyz")
      leaks.push(`${asked.method} ${asked.address}: ${told}`);
  }
  return leaks;
}

/** Which doors tell a reader of what is hidden: what is swept is not empty. */
async function doorsThatTell(token: string): Promise<string[]> {
  const doors = new Set<string>();
  for (const asked of everything().filter(({ id, body }) => body === undefined && /^(get|list|watch)/.test(id))) {
    const told = await textOf(await ask(asked, token));
    const given = JSON.stringify([asked.params, asked.query]);
    if (hidden.some((one) => told.includes(one) && !given.includes(one))) doors.add(asked.id);
  }
  for (const asked of everyVisit().filter(({ method }) => method === "GET")) {
    const { told } = await visit(asked, token);
    const page = asked.address.split(/[/?]/)[1]!;
    if (hidden.some((one) => told.includes(one) && !asked.address.includes(one))) doors.add(`/${page}`);
  }
  return [...doors].toSorted();
}

const setBase = (data: { visibility?: "public" | "private"; deletedAt?: Date | null }) =>
  database().repo.updateMany({ where: { name: `${SECRET}-base` }, data });
const setMember = async (isMember: boolean) => {
  const { id: namespaceId } = await database().namespace.findUniqueOrThrow({ where: { nameKey: "lab" } });
  const place = { namespaceId, userId: bob.userId };
  if (isMember) await database().member.create({ data: { ...place, role: "reader" } });
  else await database().member.delete({ where: { namespaceId_userId: place } });
};

/** Each makes the base unreadable for some, and readable again. */
const flips = {
  "made private": {
    to: () => setBase({ visibility: "private" }),
    back: () => setBase({ visibility: "public" }),
    strangers: () => [null, tokens.carl],
  },
  "member removed": {
    to: () => Promise.all([setBase({ visibility: "private" }), setMember(false)]),
    back: () => Promise.all([setBase({ visibility: "public" }), setMember(true)]),
    strangers: () => [tokens.bob],
  },
  "repo deleted": {
    to: () => setBase({ deletedAt: new Date() }),
    back: () => setBase({ deletedAt: null }),
    strangers: () => [tokens.bob],
  },
} as const;

async function sweepAfterFlips(): Promise<void> {
  for (const [name, { to, back, strangers }] of Object.entries(flips)) {
    await to();
    expect([name, await sweep(strangers())]).toEqual([name, []]);
    await back();
  }
}

let pairId: string;
let previewId: string;

/** As a worker draws it, with pictures of one pixel. */
async function draw(id: string): Promise<void> {
  const attempt = (await claimJob("preview", id))!;
  for (const mode of modes) {
    const rgb = crypto.getRandomValues(new Uint8Array(3));
    const png = encodePng({ width: 1, height: 1, rgb }, new Map([["of", `${SECRET} ${commits["base"]}`]]));
    const recipe = { model: `${SECRET}-base` } as unknown as RecipeJson;
    const picture = { mode, seed: 5n, width: 1, height: 1, passes: 20, milliseconds: 1, recipe };
    const progress = { mode, step: 20, steps: 20, passes: 20, modesDone: [], picture: null };
    await recordPicture(id, attempt, png, picture, { ...progress, stage: "denoising" });
  }
  expect(await recordSuccess(id, attempt, { open: 0, modes: {}, notes: [SECRET] })).toBe(true);
}

test("what is uploaded, read and inspected is told to readers of its repo", async () => {
  const name = { owner: "lab", repo: `${SECRET}-base` };
  const bytes = Buffer.from(SECRET);
  const begin = () => beginUpload(ann, name, { path: `${SECRET}/more.bin`, size: bytes.length });
  const [open, waiting, running] = [await begin(), await begin(), await begin()];
  for (const { id } of [waiting, running]) {
    const { items } = await signParts(ann, id, [1]);
    const { pathname, search } = new URL(items[0]!.url);
    expect((await fetch(web.url + pathname + search, { method: "PUT", body: bytes })).status).toBe(200);
    await completeUpload(ann, id);
  }
  expect(await claimJob("hash", running.id)).toBe(1);
  const inspection = await database().inspection.findFirstOrThrow({ where: { commitId: commits["base"]! } });
  expect(await claimJob("inspect", inspection.id)).toBe(1);
  known.push(open.id, waiting.id, running.id, inspection.id);
  hidden = [...hidden, open.id, waiting.id, running.id, inspection.id];
  expect(await doorsThatTell(tokens.bob)).toEqual(
    expect.arrayContaining(["getInspection", "getJob", "listJobs", "/jobs"]),
  );
  await sweepAfterFlips();
  await database().job.updateMany({ where: { subjectId: inspection.id }, data: { state: "queued" } });
}, 600_000);

test("what waits is told to readers of every part, and nothing is begun for who may not read it any more", async () => {
  await addModelAndGuide();
  const asked = await requestCheck(bob, pair);
  const preview = await createPreview(bob, asking({ ...pair, id: randomUUID() }));
  [pairId, previewId] = [asked.id, preview.id];
  expect(asked.unit.components).toMatchObject([
    { role: "base", repo: base(), commit: commits["base"], strength: 1 },
    { role: "lora", repo: "ann/neon", commit: commits["model"], strength: 1 },
  ]);
  const { id: inspection } = await database().inspection.findFirstOrThrow({ where: { commitId: commits["base"]! } });
  const made = newDistillation.parse({ base: base(), owner: "bob", name: "made" });
  known.push(pairId, previewId, inspection, (await createDistillation(bob, made)).id);
  expect(await doorsThatTell(tokens.bob)).toEqual(
    expect.arrayContaining(["getDistillation", "getPair", "getPreview", "listPairs", "/pairs", "/previews"]),
  );
  await sweepAfterFlips();
  await flips["member removed"].to();
  for (const begin of [() => getCheck(pairId), () => getRecipe(previewId)])
    await expect(begin()).rejects.toMatchObject({ code: "not_found" });
  await flips["member removed"].back();
  expect(await getCheck(pairId)).toMatchObject({ unit: { lowRank: [{ strength: 1 }] } });
}, 600_000);

test("what runs, and whoever looks on, ends when a part becomes private", async () => {
  const attempt = (await claimJob("check", pairId))!;
  await saveProgress(pairId, attempt, { stage: SECRET, done: 1, total: 2 });
  const streams = await Promise.all(
    (["watchPair", "watchPreview"] as const).map((id) =>
      ask({ id, params: { id: id === "watchPair" ? pairId : previewId }, query: {}, body: undefined }, tokens.bob),
    ),
  );
  await flips["member removed"].to();
  for (const stream of streams) {
    const said = await stream.text(); // to its end
    expect(said).toMatch(/event: failure\ndata: .*not_found/);
  }
  await flips["member removed"].back();
  await sweepAfterFlips();
  const levels = ([0, 1, 2, 4] as const).map((level) => ({ level, n: 48, raw: { prompt: SECRET }, milliseconds: 0 }));
  const outcome = {
    verdict: "verified" as const,
    reasons: [`It was ${SECRET}.`],
    summary: { request: { pictures: 48 }, measured: nothingMeasured },
    levels,
    next: null,
    prompts: Array.from({ length: 48 }, (_, i) => `a ${SECRET} house, number ${i}`),
    machine: "test",
  };
  expect(await recordOutcome(pairId, attempt, outcome, addSheet)).toBe(true);
}, 600_000);

test("what is done goes with the visibility of every part, and comes back with it", async () => {
  const columns = await database().preview.findMany({ where: { pairId }, orderBy: { sheetIndex: "asc" } });
  await draw(previewId);
  await draw(columns[0]!.id);
  await draw(columns[1]!.id);
  known.push(columns[0]!.id);
  await database().preview.update({ where: { id: previewId }, data: { isAttached: true, expiresAt: null } });
  expect(await doorsThatTell(tokens.bob)).toEqual(
    expect.arrayContaining(["getPair", "getPicture", "getPreview", "getSheet", "listPairs", "listPreviews"]),
  );
  await sweepAfterFlips();
}, 600_000);

test("where the model itself or the guide becomes private, its results go too", async () => {
  for (const name of ["neon", "tiny"]) {
    await database().repo.updateMany({ where: { name }, data: { visibility: "private" } });
    for (const id of ["getPair", "getSheet", "watchPair"] as const)
      expect((await ask({ id, params: { id: pairId }, query: {}, body: undefined }, tokens.bob)).status).toBe(404);
    expect(
      (await ask({ id: "getPreview", params: { id: previewId }, query: {}, body: undefined }, tokens.bob)).status,
    ).toBe(404);
    await database().repo.updateMany({ where: { name }, data: { visibility: "public" } });
  }
});
