import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymous, type Person } from "#lib/auth/actor.ts";
import { cancelPair } from "#lib/catalog/pairs/service.ts";
import { listPairs } from "#lib/catalog/pairs/views.ts";
import { keepPeriods } from "#lib/catalog/periods/service.ts";
import type { SignedReportView } from "#lib/catalog/reports/schema.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";
import { deriveSigningKey } from "#lib/catalog/reports/signing-key.ts";
import { database } from "#lib/db/client.ts";
import { signReport } from "#lib/pairing/signed-report.ts";
import { newPerson } from "../support/actors.ts";
import { type Finished, guidepost } from "../support/cli.ts";
import { baseFiles, letJudge, drawOnly, newRepoWith, starterFiles, workOff } from "../support/evidence.ts";
import { freePort } from "../support/free-port.ts";
import { starter } from "../support/golden.ts";
import type { Served } from "../support/serve.ts";
import { serveApp } from "../support/serve-app.ts";
import { useTempHub } from "../support/temp-hub.ts";

// A pair that a hub measured and signed, and strangers who look into it with nothing but the command line and the hub's address.

const PROMPTS = 2;
const port = await freePort();
const hub = await useTempHub({ GUIDEPOST_THREADS: "2", GUIDEPOST_URL: `http://127.0.0.1:${port}` });
let served: Served;
let ann: Person;
let page: string;
let cache: string;
let signed: SignedReportView;
/** The same before its period was over, and what came of it then. */
let early: SignedReportView;
let tooEarly: Finished;
let neon: RepoItem;
let tiny: RepoItem;

beforeAll(async () => {
  ann = await newPerson("ann");
  await newRepoWith(ann, { name: "storybook", kind: "base" }, await baseFiles());
  await letJudge(ann, ["ann/storybook"]);
  tiny = (await newRepoWith(ann, { name: "guide-tiny", kind: "guide" }, await starterFiles("guide-tiny"))).repo;
  neon = (await newRepoWith(ann, { name: "neon", kind: "finetune" }, await starterFiles("neon-lora"))).repo;
  await workOff("inspect");
  const pairs = (await listPairs(anonymous, { limit: 30 })).items;
  const pair = pairs.find(({ finetune }) => finetune.repo === "ann/neon")!;
  for (const { id } of pairs) if (id !== pair.id) await cancelPair(ann, id);
  await drawOnly(PROMPTS);
  await workOff("check");
  served = await serveApp(port);
  page = `${served.url}/pairs/${pair.id}`;
  cache = await mkdtemp(join(tmpdir(), "guidepost-verify-test-"));
  const report = async () =>
    (await (await fetch(`${served.url}/api/v1/pairs/${pair.id}/report`)).json()) as SignedReportView;
  early = await report();
  tooEarly = await verify(await fileOf(early, "early.json"));
  await keepPeriods(new Date(Date.now() + 9 * 86_400_000));
  signed = await report();
}, 600_000);
afterAll(async () => {
  await served.close();
  await hub.close();
  await rm(cache, { recursive: true, force: true });
});

const verify = (...args: readonly string[]): Promise<Finished> =>
  guidepost("verify", ...args, "--cache", join(cache, "files"), "--threads", "1");

async function fileOf(report: unknown, name = "report.json"): Promise<string> {
  const path = join(cache, name);
  await writeFile(path, typeof report === "string" ? report : JSON.stringify(report));
  return path;
}

/** The report with something else in it, signed by the hub's own key: what a hub that lies would sign. */
async function signedAnew(change: (report: SignedReportView["report"]) => void): Promise<SignedReportView> {
  const report = structuredClone(signed.report);
  change(report);
  const { privateKey, publicKey } = await deriveSigningKey(hub.variables["GUIDEPOST_SECRET"]!);
  return signReport(report, privateKey, publicKey);
}

type Value = Record<"conditional" | "guide" | "cfg", number> & { prompt: string };
const valuesOf = ({ pair }: SignedReportView["report"]): Value[] =>
  pair.measurements.find(({ level }) => level === 4)!.raw as Value[];

describe("a report that nobody changed", () => {
  test("agrees, from the page of its pair: every file comes from the hub and is measured with other threads and batches", async () => {
    const { code, stdout, stderr } = await verify(page);
    expect(stderr).toMatch(new RegExp(`^The signature holds: ${served.url} signed this on \\d{4}-\\d\\d-\\d\\d`));
    expect(stdout).toMatch(/^lineage +5 values/m);
    expect(stdout).toMatch(new RegExp(`^pictures +${3 * PROMPTS} values, the furthest 0\\.0`, "m"));
    expect(stdout).toMatch(
      /^measured again with 1 thread, 5 pictures at once, CFG in two passes; there with 2 threads/m,
    );
    expect(stdout).toMatch(/^agrees: the verdict on ann\/guide-tiny on ann\/neon is “inconclusive” here too/m);
    expect(code).toBe(0);
    const kept = await readdir(join(cache, "files"));
    expect(new Set(kept)).toEqual(
      new Set(
        Object.values(signed.report.sources)
          .flat()
          .flatMap((one) => one!.files.map(({ sha256 }) => sha256)),
      ),
    );
  }, 600_000);

  test("agrees on its first prompts, of which it says so, with files that somebody has, whatever they are called", async () => {
    const elsewhere = join(cache, "nothing-here");
    const report = await fileOf(signed);
    const args = ["verify", report, "--prompts", "1", "--models", starter(""), "--cache", elsewhere, "--json"];
    const { code, stdout } = await guidepost(...args);
    const told = JSON.parse(stdout) as { comparison: object };
    expect(told).toMatchObject({ outcome: "agrees", prompts: 1, all: PROMPTS, signer: { hub: served.url } });
    expect(told.comparison).toMatchObject({ differences: [], levels: expect.arrayContaining([]) });
    expect(code).toBe(0);
    expect(await readdir(elsewhere)).toEqual([]);
  }, 600_000);

  test("may be looked into without measuring, with a key that one has, and indented anew", async () => {
    const keys = await (await fetch(`${served.url}/.well-known/guidepost-report-keys.json`)).text();
    const report = await fileOf(JSON.stringify(signed, null, 7), "indented.json");
    const { code, stdout } = await verify(report, "--signature-only", "--key", await fileOf(keys, "keys.json"));
    expect(stdout).toMatch(/^The signature holds: .* \(as .*keys\.json has it\)\.$/m);
    expect(code).toBe(0);
  });
});

describe("a report of a period that is not over", () => {
  test("tells no prompt, and from when on it can be measured again; what needs no picture is looked at", async () => {
    expect(valuesOf(early.report).map(({ prompt }) => prompt)).toEqual(["#1", "#2"]);
    const { prompt, ...values } = valuesOf(signed.report)[0]!;
    expect(prompt).toMatch(/^a (small|big) \w+ \w+ and a (small|big) /);
    expect(valuesOf(early.report)[0]).toEqual({ prompt: "#1", ...values });
    expect(JSON.stringify(early)).not.toContain(signed.report.pair.period!.secret);
    expect(tooEarly.code).toBe(5);
    expect(tooEarly.stdout).toMatch(
      /^held back: http\S+ tells what prompts and noise of ann\/guide-tiny on ann\/neon were drawn from on 2\d{3}-\d\d-\d\d \d\d:\d\d UTC/,
    );
  });

  test("agrees once its hub has told, though the report itself names no prompt", async () => {
    const { code, stdout } = await verify(await fileOf(early, "early.json"), "--prompts", "1");
    expect(stdout).toMatch(/^agrees: every value of the first 1 of 2 prompts/m);
    expect(code).toBe(0);
  }, 600_000);

  test.each([
    [
      "tells another secret than it promised",
      (one: SignedReportView["report"]) => (one.pair.period!.secret = "0".repeat(64)),
      /is not what http\S+ had promised/,
    ],
    [
      "promised something else to whoever signed",
      (one: SignedReportView["report"]) =>
        Object.assign(one.pair.period!, { commitment: "0".repeat(64), secret: null }),
      /the report names another promise than http/,
    ],
  ])("differs where the hub %s", async (_what, change, told) => {
    const { code, stdout } = await verify(await fileOf(await signedAnew(change), "broken.json"));
    expect(stdout).toMatch(/^differs: what http\S+ signed does not hold together; nothing was drawn again\.$/m);
    expect(stdout).toMatch(told);
    expect(code).toBe(3);
  });
});

describe("a report that was changed", () => {
  test.each([
    ["one value", (report: SignedReportView["report"]) => (valuesOf(report)[1]!.guide += 0.25)],
    ["the verdict", (report: SignedReportView["report"]) => (report.pair.verdict = "verified")],
    ["the name of a repo", (report: SignedReportView["report"]) => (report.pair.guide.repo = "eve/guide")],
    ["a hash", (report: SignedReportView["report"]) => (report.sources.guide!.files[0]!.sha256 = "0".repeat(64))],
    ["something that is not read", (report: SignedReportView["report"]) => Object.assign(report, { more: 1 })],
  ])("is known by %s", async (_what, change) => {
    const report = structuredClone(signed.report);
    change(report);
    const { code, stdout } = await verify(await fileOf({ ...signed, report }));
    expect(stdout).toMatch(/^was changed: this is not, sign for sign, what http/);
    expect(code).toBe(4);
  });

  test("is known by another signature", async () => {
    const { signature } = await signedAnew((report) => (report.isByOwner = !report.isByOwner));
    expect(await verify(await fileOf({ ...signed, signature }))).toMatchObject({ code: 4 });
  });
});

describe("a report that its hub signed, and that is not so", () => {
  test("differs, and says where; bytes in the cache that are not what their name says are fetched again", async () => {
    const report = await signedAnew((one) => {
      valuesOf(one)[0]!.guide = 0.125;
      one.pair.verdict = "verified";
      one.pair.measured!.looks = [{ prompts: 48, gain: { value: 1, low: 1, high: 1, n: 48 }, recovered: null }];
    });
    const { sha256, size } = signed.report.sources.guide!.files[0]!;
    const kept = join(cache, "files", sha256);
    await mkdir(join(cache, "files"), { recursive: true });
    await writeFile(kept, Buffer.alloc(size));
    const { code, stdout } = await verify(await fileOf(report));
    expect(stdout).toMatch(/^differs: what http\S+ signed is not what this machine measures\.$/m);
    expect(stdout).toMatch(/^ {2}The verdict is “verified” in the report and “inconclusive” here\.$/m);
    expect(stdout).toMatch(/^ {2}The score with the guide of prompt 1, “.*” is 0\.125 in the report and .* here\.$/m);
    expect(stdout).toMatch(/^ {2}A look at 48 prompts is told of, and there are 2 values\.$/m);
    expect(code).toBe(3);
    expect((await readFile(kept)).equals(Buffer.alloc(size))).toBe(false);
  }, 600_000);
});

describe("what cannot be verified is told in one sentence", () => {
  const sentence = async (work: Promise<Finished>, said: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await work;
    expect(stderr).toMatch(said);
    expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2); // the signature, where that is known to hold
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  };

  test("a path, an address and a page that are not there", async () => {
    await sentence(verify(join(cache, "no.json")), /no\.json does not exist; check the path/);
    await sentence(
      verify(`${served.url}/pairs/00000000-0000-4000-8000-000000000000`),
      /does not exist, or may not be read/,
    );
    await sentence(verify(`http://127.0.0.1:${await freePort()}/report.json`), /cannot be reached \(ECONNREFUSED\)/);
  });

  test.each([
    ["a folder", () => Promise.resolve(cache), /is no file/],
    ["no JSON", () => fileOf("{"), /is no report of a measurement/],
    [
      "another JSON",
      () => fileOf({ report: { format: "something/1" }, signature: {} }),
      /is no report of a measurement/,
    ],
    ["a list of lists", () => fileOf("[".repeat(1e5)), /is no report of a measurement/],
    [
      "a later version",
      () => fileOf({ ...signed, report: { ...signed.report, format: "guidepost-report/9" } }),
      /format 9/,
    ],
    ["no hub", () => fileOf({ ...signed, report: { ...signed.report, hub: "file:///etc" } }), /names no hub/],
  ])("%s", async (_what, report, said) => sentence(verify(await report()), said));

  test("a key that is gone, and a hub that is none", async () => {
    const { privateKey, publicKey } = await deriveSigningKey("a secret that this hub never had, 0123456789");
    const strange = await fileOf(await signReport(signed.report, privateKey, publicKey));
    await sentence(verify(strange), new RegExp(`has no key ${publicKey.kid}`));
    await sentence(verify(strange, "--key", starter("prompts.txt")), /holds no Ed25519 key/);
    await sentence(verify(strange, "--key", join(cache, "no-key")), /cannot be read; check the path of --key/);
  });

  test("the first format, whose signature can still be checked", async () => {
    const { sources: _sources, ...first } = signed.report;
    const { privateKey, publicKey } = await deriveSigningKey(hub.variables["GUIDEPOST_SECRET"]!);
    const report = await fileOf(await signReport({ ...first, format: "guidepost-report/1" }, privateKey, publicKey));
    await sentence(verify(report), /The signature holds\. The report is of format 1/);
    expect(await verify(report, "--signature-only")).toMatchObject({ code: 0 });
  });

  test("a path that leads out of its folder", async () => {
    for (const path of ["../../../../tmp/planted", "/etc/passwd", "unet/./../x", "C:\\x"]) {
      const report = await fileOf(await signedAnew((one) => (one.sources.guide!.files[0]!.path = path)));
      await sentence(verify(report), /in a way that no hub does/);
    }
  });

  test("a size that is not the file's, before it is fetched", async () => {
    const fresh = join(cache, "fresh");
    const report = await fileOf(await signedAnew((one) => (one.sources.guide!.files[0]!.size = 17)));
    await sentence(guidepost("verify", report, "--cache", fresh), /bytes and not its 17/);
    expect(
      await readdir(fresh).then((names) =>
        names.filter((name) => name.startsWith(signed.report.sources.guide!.files[0]!.sha256)),
      ),
    ).toEqual([]);
    const huge = await fileOf(await signedAnew((one) => (one.sources.guide!.files[0]!.size = 2 ** 50)));
    await sentence(guidepost("verify", huge, "--cache", fresh), /has room for/);
  });

  test("a part that is private or gone since, unless somebody has its files", async () => {
    await database().repo.update({ where: { id: neon.id }, data: { visibility: "private" } });
    const report = await fileOf(signed);
    const fresh = join(cache, "private");
    await sentence(
      guidepost("verify", report, "--cache", fresh),
      /does not give ann\/neon\/neon\.safetensors \(404\) any more/,
    );
    // Whoever has the file goes on past it, and is told of the next thing that is not there.
    await database().repo.update({ where: { id: tiny.id }, data: { visibility: "private" } });
    const having = ["verify", report, "--cache", fresh, "--models", starter("neon-lora")];
    await sentence(guidepost(...having), /does not give ann\/guide-tiny\/guide\.safetensors \(404\) any more/);
    await database().repo.update({ where: { id: tiny.id }, data: { visibility: "public" } });
    await database().repo.update({ where: { id: neon.id }, data: { visibility: "public" } });
  }, 600_000);
});
