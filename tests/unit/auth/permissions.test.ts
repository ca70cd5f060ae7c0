import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import type { Scope } from "#lib/auth/actor.ts";
import { createInvitation } from "#lib/auth/invitations.ts";
import { needsSession, type Permission } from "#lib/auth/permission.ts";
import { createToken } from "#lib/auth/token.ts";
import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { doorsOf, type Door } from "#lib/http/door.ts";
import * as doors from "#lib/http/doors.ts";
import * as hubDoors from "#lib/hub/reading-doors.ts";
import { parseFormState } from "#lib/http/form.ts";
import { operations, type OperationId } from "#lib/http/operations/all.ts";
import type { Operation } from "#lib/http/operation.ts";
import type { RouteHandler } from "#lib/http/route.ts";
import {
  again,
  fillPermissionHub,
  type Identity,
  newSubjects,
  SECRET,
  type Subjects,
  type Who,
} from "../../support/permission-hub.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { undocumented } from "../../support/undocumented.ts";
import { routeFiles } from "../../support/route-files.ts";

// Every way in × everybody × what they show for themselves. What is expected is in the one table below; the cases only say how each
// way in is called. A new endpoint without a case does not compile, a new form without one fails.

const everyone = ["anonymous", "stranger", "reader", "writer", "owner", "operator"] as const;
const signedIn = everyone.slice(1);
const members = ["reader", "writer", "owner", "operator"] as const;
const writers = ["writer", "owner", "operator"] as const;
const owners = ["owner", "operator"] as const;

interface Rights {
  /** Who may, of what is public and of what is private. */
  readonly public: readonly Who[];
  readonly private: readonly Who[];
  /** What all others are told: that they may not, as far as they may see the repo; or nothing, as if it were not there. */
  readonly others: "may not" | "is not there";
  /** Where a token without the scope `read` is told that it is not there. */
  readonly blind: "nowhere" | "in private" | "everywhere";
}

const rights = (of: readonly Who[], others: Rights["others"], blind: Rights["blind"], ofPrivate = of): Rights => ({
  public: of,
  private: ofPrivate,
  others,
  blind,
});

const table: Record<Permission, Rights> = {
  anyone: rights(everyone, "may not", "nowhere"),
  person: rights(signedIn, "may not", "nowhere"),
  session: rights(signedIn, "may not", "nowhere"),
  operator: rights(["operator"], "may not", "nowhere"),
  "owner of the token": rights(["reader"], "is not there", "nowhere"),
  "owner of the organisation": rights(owners, "may not", "nowhere"),
  "owner of the organisation, or the member": rights(["reader", ...owners], "may not", "nowhere"),
  "writer of the namespace": rights(writers, "may not", "nowhere"),
  "reader of the repo": rights(everyone, "is not there", "in private", members),
  "writer of the repo": rights(writers, "may not", "in private"),
  "owner of the repo": rights(owners, "may not", "in private"),
  "reader of both repos": rights(everyone, "is not there", "in private", members),
  "reader of both repos, who is asked": rights(signedIn, "may not", "in private", members),
  "waiter for the measurement, or writer": rights(writers, "may not", "in private"),
  "beginner of the upload": rights(["writer", "operator"], "is not there", "nowhere"),
  "seer of the preview": rights(["reader", "operator"], "is not there", "everywhere"),
  "asker of the preview": rights(["reader", "operator"], "is not there", "everywhere"),
  "writer of the preview's model": rights(writers, "may not", "in private"),
  "seer of the job": rights(everyone, "is not there", "in private", members),
  "canceller of the job": rights(writers, "may not", "in private"),
  "rerunner of the job": rights(writers, "may not", "in private"),
  "holder of the address": rights([], "may not", "nowhere"),
};

interface Case {
  readonly params?: Readonly<Record<string, string | string[]>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly fields?: Readonly<Record<string, string>>;
  readonly path?: string;
  /** The statuses of who may, where not that of the endpoint: what was asked for may not be possible, which they are told. */
  readonly done?: readonly number[];
  /** Where the table says too little. */
  readonly rights?: Partial<Rights>;
  /** Scopes beside that of the door. */
  readonly also?: readonly Scope[];
  /** Whether nobody is asked who they are, so that a dead token is none. */
  readonly asksNobody?: true;
  /** Makes it as it was. */
  readonly before?: () => Promise<unknown>;
}

type Cases = Case | Readonly<Record<`as ${string}`, Case>>;
type Call = (subjects: Subjects) => Cases | Promise<Cases>;

/** The address of bytes that are there, without its signature. */
async function unsigned({ upload }: Subjects): Promise<Case> {
  const { storageKey } = await database().upload.findUniqueOrThrow({ where: { id: upload } });
  return { asksNobody: true, params: { path: storageKey.split("/") } };
}

const NOBODYS_ID = "01890000-0000-7000-8000-000000000000";
const NO_QUESTION = "0123456789abcdef0123456789abcdef";
/** A question that nobody is asked is there for nobody, whoever may see the pair. */
const noQuestion: Partial<Rights> = { public: [], private: [], others: "is not there" };

let count = 0;
const fresh = (word: string): string => `${word}-${++count}`;
const lab = ({ repo }: Subjects) => ({ params: { owner: "lab", repo } });
const jobRights = {
  upload: {
    rights: {
      public: ["writer", "operator"],
      private: ["writer", "operator"],
      others: "is not there",
      blind: "everywhere",
    },
  },
  preview: {
    rights: {
      public: ["reader", "operator"],
      private: ["reader", "operator"],
      others: "is not there",
      blind: "everywhere",
    },
  },
  seen: { rights: { public: everyone, private: members, others: "is not there", blind: "in private" } },
} as const satisfies Record<string, Case>;

/** A name of the Hub's protocol at an address of the repo. */
const ofModel =
  (rest: string, more: Case = {}): Call =>
  ({ repo }) => ({ path: `/api/models/lab/${repo}${rest}`, done: [200], ...more });

/** What other hubs have is said to be missing to everybody. */
const missing =
  (path: string): Call =>
  () => ({ path, asksNobody: true, done: [501] });

/** The Hub's protocol. */
const hubCalls = {
  hubWhoAmI: () => ({ path: "/api/whoami-v2", done: [200] }),
  hubListModels: () => ({ path: "/api/models", done: [200] }),
  hubModel: ofModel(""),
  hubModelAtRevision: ofModel("/revision/main"),
  hubTree: ofModel("/tree/main"),
  hubFolder: (all) => ofModel(`/tree/main/${fileOf(all)}`, { done: [200, 404] })(all),
  hubPathsInfo: (all) => ofModel("/paths-info/main", { body: { paths: [fileOf(all)] } })(all),
  hubRefs: ofModel("/refs"),
  hubCommits: ofModel("/commits/main"),
  hubAuthCheck: ofModel("/auth-check"),
  hubAuthCheckToWrite: ofModel("/auth-check/write"),
  hubRaw: (all) => ({ path: `/lab/${all.repo}/raw/main/${fileOf(all)}`, done: [200] }),
  hubNotHere: missing("/api/daily_papers"),
  hubDatasets: missing("/datasets/lab/birds/resolve/main/a.csv"),
  hubSpaces: missing("/spaces/lab/demo"),
  hubOauth: missing("/oauth/userinfo"),
} as const satisfies Record<(typeof hubDoors)[keyof typeof hubDoors]["id"], Call>;

const fileOf = ({ visibility }: Subjects): string => `${visibility === "private" ? SECRET : "open"}.txt`;

type OtherDoorId = (typeof doors)[keyof typeof doors]["id"] | (typeof hubDoors)[keyof typeof hubDoors]["id"];

const calls: Record<OperationId | OtherDoorId, Call> = {
  createAccount: () => ({ body: {}, done: [400] }),
  createSession: () => ({ body: {}, done: [400] }),
  deleteSession: () => ({}),
  getMe: () => ({}),
  updateMe: () => ({ body: { name: "Somebody" } }),
  changePassword: () => ({ body: { current: "no horse battery", new: "another horse battery" }, done: [400] }),
  createToken: () => ({ body: { name: "more", scopes: ["read"] } }),
  listTokens: () => ({}),
  async deleteToken() {
    const { id } = await createToken(hubPeople.persons.reader, { name: "to go", scopes: ["read"] });
    const row = await database().apikey.findUniqueOrThrow({ where: { id } });
    return {
      params: { id },
      before: () => database().apikey.upsert({ where: { id }, create: row, update: {} }),
    };
  },
  createInvitation: () => ({ body: {} }),
  listInvitations: () => ({}),
  listAudit: () => ({}),
  async revokeInvitation() {
    const { id } = await createInvitation(hubPeople.persons.operator, { expiresInHours: 1 });
    const row = await database().verification.findUniqueOrThrow({ where: { id } });
    return { params: { id }, before: () => database().verification.upsert({ where: { id }, create: row, update: {} }) };
  },
  createOrganisation: () => ({
    get body() {
      return { name: fresh("club") };
    },
  }),
  listNamespaces: () => ({}),
  getNamespace: () => ({ params: { name: "lab" } }),
  listEvaluators: () => ({}),
  installEvaluator: () => ({ body: { repo: "lab/nothing", bases: [] }, done: [404] }),
  removeEvaluator: () => ({ params: { id: NOBODYS_ID }, done: [404] }),
  setQuota: () => ({ params: { name: "lab" }, body: { repos: 1000 } }),
  setMember: () => ({ params: { name: "lab", username: "newcomer" }, body: { role: "reader" } }),
  removeMember: () => ({
    "as somebody else": {
      params: { name: "lab", username: "newcomer" },
      before: () => again.member("newcomer", "reader"),
      rights: { public: owners },
    },
    "as a member themselves": {
      params: { name: "lab", username: "reader" },
      before: () => again.member("reader", "reader"),
    },
  }),
  listRepos: () => ({ query: { facets: "true" } }),
  createRepo: () => ({
    get body() {
      return { owner: "lab", name: fresh("made"), kind: "finetune", visibility: "public" };
    },
  }),
  getRepo: lab,
  updateRepo: (subjects) => ({
    "as what is said of it": { ...lab(subjects), body: { license: "mit" } },
    "as who may see it": {
      ...lab(subjects),
      body: { visibility: subjects.visibility },
      rights: { public: owners, private: owners },
    },
  }),
  deleteRepo: (subjects) => ({ ...lab(subjects), before: () => again.repo(subjects.repo) }),
  listRefs: lab,
  createRef: (subjects) => ({
    ...lab(subjects),
    get body() {
      return { name: fresh("tag"), kind: "tag", revision: "main" };
    },
  }),
  deleteRef: (subjects) => ({
    params: { ...lab(subjects).params, name: "gone" },
    before: () => again.tag(subjects.repo, "gone", subjects.commit),
  }),
  createCommit: (subjects) => ({
    ...lab(subjects),
    body: { title: "Same", operations: [{ op: "add", path: "new.txt", content: "new" }] },
  }),
  listCommits: lab,
  getCommit: (subjects) => ({ params: { ...lab(subjects).params, revision: subjects.commit } }),
  listTree: lab,
  beginUpload: (subjects) => ({ ...lab(subjects), body: { path: "a.safetensors", size: 1000 } }),
  listUploads: lab,
  getUpload: ({ upload }) => ({ params: { id: upload } }),
  signUploadParts: ({ upload }) => ({
    params: { id: upload },
    body: { numbers: [1] },
    done: [409],
    rights: { blind: "in private" },
  }),
  completeUpload: ({ upload }) => ({ params: { id: upload } }),
  abortUpload: ({ upload }) => ({ params: { id: upload } }),
  getByHash: () => ({ params: { hash: "0".repeat(64) }, done: [404] }),
  listByHash: () => ({ body: ["0".repeat(64)] }),
  getInspection: lab,
  listGuides: lab,
  listFits: ({ guide }) => ({ params: { owner: "lab", repo: guide } }),
  getMatrix: ({ base }) => ({ params: { owner: "lab", repo: base } }),
  requestCheck: ({ repo, guide }) => ({ body: { finetune: `lab/${repo}`, guide: `lab/${guide}` }, done: [409, 422] }),
  listPairs: () => ({}),
  getPair: ({ pair }) => ({ params: { id: pair } }),
  getSheet: ({ pair }) => ({ params: { id: pair } }),
  getEnvelope: ({ pair }) => ({ params: { id: pair } }),
  requestEnvelope: ({ pair }) => ({ params: { id: pair }, done: [409] }),
  getComparison: ({ pair }) => ({ params: { id: pair } }),
  getComparisonPicture: ({ pair }) => ({
    params: { id: pair, question: NO_QUESTION },
    done: [404],
    rights: noQuestion,
  }),
  answerComparison: ({ pair }) => ({
    params: { id: pair },
    body: { question: NO_QUESTION, answer: "first" },
    also: ["run"],
    done: [409], // it has no pictures yet
  }),
  getReport: ({ pair }) => ({ params: { id: pair }, done: [409] }), // it waits to be measured
  getReportKeys: () => ({}),
  getPeriods: () => ({}),
  watchPair: ({ pair }) => ({ params: { id: pair } }),
  cancelPair: ({ pair }) => ({ params: { id: pair }, done: [200, 409], also: ["write"] }),
  getPrompting: lab,
  createPreview: ({ repo, guide }) => ({
    body: { finetune: `lab/${repo}`, guide: `lab/${guide}`, prompt: "a house", seed: 1 },
    done: [409, 422],
  }),
  listPreviews: () => ({}),
  forecastPreview: ({ repo }) => ({ query: { finetune: `lab/${repo}`, steps: "4", guidanceScale: "3" } }),
  openRecipe: () => ({ body: { parameters: "a house" }, done: [200, 400] }),
  getPreview: ({ preview, attached }) => ({
    "as its own": { params: { id: preview } },
    "as one on the model's page": { params: { id: attached }, ...jobRights.seen },
  }),
  watchPreview: ({ preview }) => ({ params: { id: preview } }),
  getPicture: ({ preview, attached }) => ({
    "as its own": { params: { id: preview, mode: "cfg" }, done: [404] },
    "as one on the model's page": { params: { id: attached, mode: "cfg" }, ...jobRights.seen, done: [404] },
  }),
  rerunPreview: ({ preview }) => ({ params: { id: preview }, body: {}, done: [202, 409, 503] }),
  cancelPreview: ({ preview, attached }) => ({
    "as its own": { params: { id: preview } },
    "as one on the model's page": {
      params: { id: attached },
      done: [409],
      rights: { others: "may not", blind: "in private" },
      also: ["read"],
    },
  }),
  attachPreview: ({ attached }) => ({ params: { id: attached }, body: { attached: true } }),
  deletePreview: ({ preview }) => ({ params: { id: preview }, before: () => again.preview(preview) }),
  createDistillation: ({ base }) => ({
    get body() {
      return { base: `lab/${base}`, owner: "lab", name: fresh("made") };
    },
    done: [409, 422],
    rights: { blind: "in private" },
    also: ["write"],
  }),
  listDistillations: () => ({}),
  estimateDistillation: ({ base }) => ({ query: { base: `lab/${base}` }, done: [409, 422] }),
  getDistillation: ({ distillation }) => ({ params: { id: distillation } }),
  watchDistillation: ({ distillation }) => ({ params: { id: distillation } }),
  getDistillationMetrics: ({ distillation }) => ({ params: { id: distillation } }),
  getDistillationSample: ({ distillation }) => ({ params: { id: distillation, sample: "0-0-cfg" }, done: [404] }),
  pauseDistillation: ({ distillation }) => ({ params: { id: distillation }, also: ["write"], done: [200, 409] }),
  resumeDistillation: ({ distillation }) => ({ params: { id: distillation }, also: ["write"], done: [202, 409, 422] }),
  cancelDistillation: ({ distillation }) => ({ params: { id: distillation }, also: ["write"], done: [200, 409] }),
  listJobs: () => ({}),
  getJob: ({ upload, inspection, pair, preview, distillation }) => ({
    "as an upload": { params: { subjectId: upload }, ...jobRights.upload },
    "as an inspection": { params: { subjectId: inspection } },
    "as a measurement": { params: { subjectId: pair } },
    "as a preview": { params: { subjectId: preview }, ...jobRights.preview },
    "as a distillation": { params: { subjectId: distillation } },
  }),
  cancelJob: ({ upload, inspection, pair, preview }) => ({
    "as an upload": { params: { subjectId: upload }, ...jobRights.upload, also: ["write"] },
    "as an inspection": { params: { subjectId: inspection }, ...jobRights.seen, done: [400] },
    "as a measurement": { params: { subjectId: pair }, also: ["run", "write"], done: [200, 409] },
    "as a preview": { params: { subjectId: preview }, ...jobRights.preview, also: ["run"] },
  }),
  rerunJob: ({ upload, inspection, pair, preview }) => ({
    "as an upload": { params: { subjectId: upload }, ...jobRights.upload, done: [400] },
    "as an inspection": { params: { subjectId: inspection }, also: ["write"] },
    "as a measurement": { params: { subjectId: pair }, ...jobRights.seen, also: ["run"], done: [202, 409, 422] },
    "as a preview": { params: { subjectId: preview }, ...jobRights.preview, also: ["run"], done: [202, 409, 503] },
  }),
  listWorkers: () => ({}),
  getOpenApi: () => ({}),
  getHealth: () => ({ asksNobody: true }),
  getReadiness: () => ({ asksNobody: true, done: [200, 503] }),
  downloadFile: ({ repo, visibility }) => ({
    path: `/lab/${repo}/resolve/main/${visibility === "private" ? SECRET : "open"}.txt`,
    done: [200],
  }),
  getObject: unsigned,
  putPart: unsigned,
  getPairValues: ({ pair }) => ({ params: { id: pair }, done: [200] }),
  getPairWays: ({ pair }) => ({ params: { id: pair }, done: [200] }),
  getPairTrials: ({ pair }) => ({ params: { id: pair }, done: [200] }),
  getPairBadge: ({ pair }) => ({ params: { id: pair }, done: [200] }),
  getMatrixTable: ({ base }) => ({ query: { base: `lab/${base}` }, done: [200] }),
  ...hubCalls,
  setTheme: () => ({ asksNobody: true, fields: { theme: "dark" }, done: [303] }),
};

const named = ({ repo }: Subjects) => ({ owner: "lab", repo });

/** Of forms, by their addresses. What the endpoint would refuse for another reason stands here as it is: `done` is then nothing. */
const forms: Record<string, Call> = {
  "/(account)/join/submit": () => ({ fields: {}, done: [] }),
  "/(account)/sign-in/submit": () => ({ fields: {}, done: [] }),
  "/(account)/sign-out": () => ({ asksNobody: true }),
  "/[owner]/[repo]/settings/delete": (all) => ({
    params: named(all),
    fields: { confirm: all.repo },
    before: () => again.repo(all.repo),
  }),
  "/[owner]/[repo]/settings/save": (all) => ({
    "as what is said of it": { params: named(all), fields: { license: "mit" } },
    "as who may see it": { params: named(all), fields: { visibility: all.visibility } },
  }),
  "/distillations/[id]/[action]": ({ distillation }) => ({
    "as pause": { params: { id: distillation, action: "pause" }, also: ["write"], done: [] },
    "as resume": { params: { id: distillation, action: "resume" }, also: ["write"], done: [] },
    "as cancel": { params: { id: distillation, action: "cancel" }, also: ["write"], done: [] },
  }),
  "/distillations/begin": ({ base }) => ({
    fields: { base: `lab/${base}`, name: "lab/made" },
    rights: { blind: "in private" },
    also: ["write"],
    done: [],
  }),
  "/jobs/[subjectId]/[action]": ({ upload, pair, preview }) => ({
    "as cancel of an upload": {
      params: { subjectId: upload, action: "cancel" },
      ...jobRights.upload,
      also: ["write"],
    },
    "as cancel of a measurement": {
      params: { subjectId: pair, action: "cancel" },
      done: [],
      also: ["run", "write"],
    },
    "as cancel of a preview": {
      params: { subjectId: preview, action: "cancel" },
      ...jobRights.preview,
      also: ["run"],
    },
    "as rerun of an upload": {
      params: { subjectId: upload, action: "rerun" },
      ...jobRights.upload,
      done: [],
    },
  }),
  "/pairs/[id]/cancel": ({ pair }) => ({ params: { id: pair }, fields: {}, done: [], also: ["write"] }),
  "/pairs/[id]/envelope": ({ pair }) => ({ params: { id: pair }, fields: {}, done: [] }),
  "/pairs/[id]/tell/answer": ({ pair }) => ({
    params: { id: pair },
    fields: { question: NO_QUESTION, answer: "first" },
    also: ["run"],
    done: [],
  }),
  "/pairs/measure": ({ repo, guide }) => ({
    fields: { finetune: `lab/${repo}`, guide: `lab/${guide}` },
    done: [],
  }),
  "/preview/run": ({ repo, guide }) => ({ fields: { finetune: `lab/${repo}`, guide: `lab/${guide}` }, done: [] }),
  "/previews/[id]/[action]": ({ preview, attached }) => ({
    "as cancel": { params: { id: preview, action: "cancel" } },
    "as rerun": { params: { id: preview, action: "rerun" }, fields: {}, done: [] },
    "as show": { params: { id: attached, action: "show" } },
    "as delete": { params: { id: preview, action: "delete" }, fields: {}, before: () => again.preview(preview) },
  }),
  "/settings/invitations": () => ({ fields: { hours: "1" } }),
  "/settings/invitations/[id]/delete": () => calls.revokeInvitation(subjects.public),
  "/settings/name": () => ({ fields: { name: "Somebody" } }),
  "/settings/organisations": () => ({
    get fields() {
      return { organisation: fresh("club") };
    },
  }),
  "/settings/organisations/[name]/members": () => ({
    params: { name: "lab" },
    fields: { username: "newcomer", role: "reader" },
  }),
  "/settings/organisations/[name]/members/[username]/remove": () => ({
    params: { name: "lab", username: "reader" },
    before: () => again.member("reader", "reader"),
  }),
  "/settings/password": () => ({ fields: { current: "no horse battery", new: "another horse battery" }, done: [] }),
  "/settings/evaluators": () => ({ fields: { evaluator: "lab/nothing", bases: "" }, done: [] }),
  "/settings/evaluators/[id]/remove": () => ({ params: { id: NOBODYS_ID }, fields: {}, done: [] }),
  "/settings/quotas": () => ({ fields: { quotaOf: "lab" } }),
  "/settings/quotas/[name]/set": () => ({ params: { name: "lab" }, fields: { bytes: "", files: "", repos: "1000" } }),
  "/settings/tokens": () => ({ fields: { token: "more", read: "on" } }),
  "/settings/tokens/[id]/delete": () => calls.deleteToken(subjects.public),
};

interface Way {
  readonly file: string;
  readonly door: Door;
  readonly handler: RouteHandler;
  /** “GET”, and HEAD where it is one handler. */
  readonly methods: readonly string[];
}

const app = join(import.meta.dirname, "../../../app");
const hub = await useTempHub();
const ways = await findWays();
let hubPeople: Awaited<ReturnType<typeof fillPermissionHub>>;
let subjects: Record<"public" | "private", Subjects>;

beforeAll(async () => {
  hubPeople = await fillPermissionHub();
  subjects = {
    public: await newSubjects("public", hubPeople.persons),
    private: await newSubjects("private", hubPeople.persons),
  };
});
afterAll(() => hub.close());

/** Everything that answers, as it is: a handler that declares no door is found here too. */
async function findWays(): Promise<Way[]> {
  const found: Way[] = [];
  for (const path of routeFiles(app)) {
    const exported = Object.entries((await import(join(app, path))) as Record<string, unknown>).filter(([name]) =>
      /^(GET|HEAD|POST|PUT|PATCH|DELETE)$/.test(name),
    ) as [string, RouteHandler][];
    for (const [handler, same] of Map.groupBy(exported, ([, one]) => one)) {
      const methods = same.map(([method]) => method);
      const file = `/${path.replace(/\/?route\.ts$/, "")}`;
      for (const door of doorsOf(handler)) found.push({ file, door, handler, methods });
      if (doorsOf(handler).length === 0) throw new Error(`${file} declares no door for ${methods.join()}`);
    }
  }
  return found;
}

const isForm = ({ file, door }: Way): boolean =>
  door.path !== file.replaceAll(/\[(?:\.\.\.)?(\w+)\]/g, "{$1}") && !(door.id in otherDoors);
const otherDoors: Readonly<Record<string, Door>> = Object.fromEntries(
  [...Object.values(doors), ...Object.values(hubDoors)].map((door) => [door.id, door]),
);

test("every way in is tried here, and each endpoint has one", () => {
  const endpoints = ways.filter((way) => !isForm(way)).map(({ door }) => door.id);
  expect(endpoints.toSorted()).toEqual(Object.keys(calls).toSorted());
  expect(
    operations
      .map(({ id }) => id)
      .concat(Object.keys(otherDoors))
      .toSorted(),
  ).toEqual(Object.keys(calls).toSorted());
  expect([...new Set(ways.filter(isForm).map(({ file }) => file))].toSorted()).toEqual(Object.keys(forms).toSorted());
});

test("what changes something takes the scope write or run, but for who comes in, goes out, or only asks with a body", () => {
  const safe = ways.filter(
    ({ door, methods }) =>
      !methods.includes("GET") && [door.scope].flat().some((scope) => scope === null || scope === "read"),
  );
  expect([...new Set(safe.map(({ door }) => door.id))].toSorted()).toEqual([
    "answerComparison", // of who is not signed in, where the operator asks anybody; a token is asked for run behind the door
    "createAccount",
    "createSession",
    "deleteSession",
    "hubPathsInfo", // reads; its paths may be too many for an address
    "listByHash",
    "openRecipe",
    "putPart",
    "setTheme",
  ]);
});

/** An endpoint that says what its answer holds. */
const isDescribed = (door: Door): door is Operation & { readonly response: z.ZodType } =>
  "response" in door && typeof door.response === "object";

type Outcome = "done" | "401" | "403" | "404";

function expected(
  door: Door,
  { who, shows, scopes }: Identity,
  visibility: "public" | "private",
  { rights: more, also = [], asksNobody }: Case,
): Outcome {
  if (!asksNobody && (shows === "expired token" || shows === "revoked token")) return "401";
  const needed = door.scope === null ? null : [door.scope].flat();
  if (needed && who === "anonymous") return "401";
  if (needed && !needed.some((scope) => scopes.has(scope))) return "403";
  if (needsSession.has(door.permission) && shows !== "session" && who !== "anonymous") return "403";
  const right = { ...table[door.permission], ...more };
  const isBlind = who !== "anonymous" && !scopes.has("read");
  const seesPrivate = members.some((one) => one === who) && !isBlind;
  const isThere =
    right.blind === "nowhere" || (right.blind === "everywhere" ? !isBlind : visibility === "public" || seesPrivate);
  if (!isThere) return "404";
  if (!right[visibility].includes(who)) return right.others === "may not" ? "403" : "404";
  return also.every((scope) => scopes.has(scope)) ? "done" : "403";
}

/** The ways of telling somebody no; everything else is that they were let in. */
async function ask(way: Way, identity: Identity, one: Case): Promise<{ became: string; told: string }> {
  const { door, handler, methods } = way;
  const { params = {}, query = {}, path = "/" } = one;
  const fields = isForm(way) || way.door.id === "setTheme" ? (one.fields ?? {}) : undefined;
  const body = fields ?? one.body;
  const method = methods.includes(door.method) ? door.method : methods[0]!;
  const left = new AbortController();
  const request = new Request(`${env().publicUrl}${path}?${new URLSearchParams(query)}`, {
    method,
    signal: left.signal,
    headers: {
      origin: env().publicUrl,
      ...(await identity.headers()),
      ...(body !== undefined && {
        "content-type": fields ? "application/x-www-form-urlencoded" : "application/json",
      }),
    },
    ...(body !== undefined && { body: fields ? new URLSearchParams(fields).toString() : JSON.stringify(body) }),
  });
  const response = await handler(request, { params: Promise.resolve(params as Record<string, string | string[]>) });
  if (response.headers.get("content-type") === "text/event-stream") {
    left.abort();
    await response.body?.cancel();
    return { became: String(response.status), told: "" };
  }
  const told = `${await response.text()} ${response.headers.get("location") ?? ""}`;
  if (response.headers.get("location")?.startsWith("/sign-in")) return { became: "401", told };
  const form = response.headers.getSetCookie().find((cookie) => cookie.startsWith("guidepost-form="));
  const { problems } = parseFormState(form?.slice("guidepost-form=".length).split(";")[0]);
  return Object.keys(problems).length > 0
    ? { became: "refused", told: `${told} ${JSON.stringify(problems)}` }
    : { became: String(response.status), told };
}

async function tryAll(way: Way, call: Call, visibility: "public" | "private"): Promise<void> {
  const found = await call(subjects[visibility]);
  const cases = Object.keys(found).some((name) => name.startsWith("as "))
    ? (found as Record<string, Case>)
    : { "": found as Case };
  const wrong: string[] = [];
  for (const [name, one] of Object.entries(cases)) {
    const button = (one.params?.["action"] as string | undefined) ?? null;
    if (button !== null && way.door !== doorOfButton(way, button)) continue;
    const done = one.done ?? [isForm(way) ? 303 : "status" in way.door ? (way.door.status as number) : 403];
    const attempt = async (identity: Identity): Promise<void> => {
      await one.before?.();
      const should = expected(way.door, identity, visibility, one);
      const { became, told } = await ask(way, identity, one);
      const isRight =
        should === "done"
          ? done.length === 0 || done.includes(Number(became)) || (isForm(way) && became === "200")
          : became === should || became === "refused";
      const who = `${identity.who} with ${identity.shows === "token" ? `a token to ${[...identity.scopes].join(", ") || "nothing"}` : identity.shows}`;
      if (isDescribed(way.door) && became === String(way.door.status) && became !== "204") {
        const more = undocumented(way.door.response, JSON.parse(told));
        if (more.length > 0) wrong.push(`${name} ${who} is told what no document says: ${more.join(", ")}`);
      }
      if (!isRight) wrong.push(`${name} ${who}: ${became} instead of ${should}: ${told.slice(0, 120)}`);
      const mayKnow =
        (should === "done" && !["anyone", "person"].includes(way.door.permission)) ||
        (members.some((member) => member === identity.who) && identity.scopes.has("read"));
      if (visibility === "private" && !mayKnow && told.includes(SECRET))
        wrong.push(`${name} ${who} is told: ${told.slice(0, 200)}`);
    };
    const atOnce = way.door.method === "GET" ? 8 : 1;
    for (let at = 0; at < hubPeople.identities.length; at += atOnce)
      await Promise.all(hubPeople.identities.slice(at, at + atOnce).map(attempt));
  }
  expect(wrong.slice(0, 6)).toEqual([]);
}

/** Two buttons may do the same. */
const doorOfButton = ({ handler }: Way, action: string): Door | undefined =>
  doorsOf(handler).find(({ id }) => buttons[action]?.includes(id));
const buttons: Readonly<Record<string, readonly string[]>> = {
  cancel: ["cancelJob", "cancelPreview"],
  rerun: ["rerunJob", "rerunPreview"],
  show: ["attachPreview"],
  delete: ["deletePreview"],
};

/** What is about no repo is tried once. */
const alike: ReadonlySet<Permission> = new Set<Permission>([
  ...needsSession,
  "writer of the namespace",
  "holder of the address",
]);

describe.each(["public", "private"] as const)("of what is %s", (visibility) => {
  const depends = ({ door }: Way): boolean => visibility === "public" || !alike.has(door.permission);
  const endpoints = ways.filter((way) => !isForm(way) && depends(way));
  test.each(endpoints.map((way) => [way.door.id, way] as const))("%s", async (id, way) => {
    await tryAll(way, calls[id as OperationId], visibility);
  });
  test.each(
    ways.filter((way) => isForm(way) && depends(way)).map((way) => [`${way.file} does ${way.door.id}`, way] as const),
  )("%s", async (_, way) => {
    await tryAll(way, forms[way.file]!, visibility);
  });
});
