import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { finished, type Finished } from "../support/cli.ts";
import { starter } from "../support/golden.ts";

const entry = fileURLToPath(new URL("../../guidepost.js", import.meta.url));

/** Through the front door, with settings of its own. */
const guidepost = (args: readonly string[], settings: Record<string, string> = {}): Promise<Finished> =>
  finished(
    spawn(process.execPath, [entry, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, DATABASE_URL: "", S3_ENDPOINT: "", ...settings },
    }),
  );

interface Doctor {
  readonly ok: boolean;
  readonly findings: readonly { readonly what: string; readonly found: string; readonly problem: string | null }[];
  readonly probes: readonly { readonly provider: string; readonly problem: string | null }[];
}

async function doctor(settings: Record<string, string>): Promise<{ code: number | null; said: Doctor }> {
  const { code, stdout } = await guidepost(["doctor", "--json"], settings);
  return { code, said: JSON.parse(stdout) as Doctor };
}

const problemOf = ({ findings }: Doctor, what: string) => findings.find((one) => one.what === what)!.problem;

describe("doctor", () => {
  test("says what there is, and ends with 0 where nothing is wrong", async () => {
    const { code, said } = await doctor({ GUIDEPOST_MEMORY: "4GB" });
    expect(said.findings.filter(({ problem }) => problem !== null)).toEqual([]);
    expect({ code, ok: said.ok }).toEqual({ code: 0, ok: true });
    const names = [
      "Node",
      "runtime",
      "cpu",
      "cuda",
      "webgpu",
      "networks",
      "threads",
      "memory",
      "data",
      "database",
      "store",
    ];
    expect(said.findings.map(({ what }) => what)).toEqual(names);
    expect(said.probes.find(({ provider }) => provider === "cpu")).toMatchObject({ problem: null });
    expect(said.findings.find(({ what }) => what === "memory")!.found).toMatch(
      /; 4\.0 GB \(GUIDEPOST_MEMORY\) for all/,
    );
  });

  test("names a database that does not answer without its password, and ends with 2", async () => {
    const { code, said } = await doctor({ DATABASE_URL: "postgres://u:my-little-secret@127.0.0.1:1/hub" });
    expect({ code, ok: said.ok }).toEqual({ code: 2, ok: false });
    expect(problemOf(said, "database")).toMatch(/^It does not answer as DATABASE_URL says \(.*ECONNREFUSED.*\); /);
    expect(JSON.stringify(said)).not.toContain("my-little-secret");
  });

  test("prints lines for people", async () => {
    const { code, stdout } = await guidepost(["doctor"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Node +v24\..*\n[^]*Everything that was looked at works\.\n$/);
  });
});

describe("a provider", () => {
  const draw = (settings: Record<string, string>, ...args: string[]) =>
    guidepost(
      ["sample", starter("storybook"), "--prompt", "a red house", "--steps", "1", "-o", "/dev/null", "--json", ...args],
      settings,
    );

  test("that is asked for by name and cannot be had is refused with the reason; auto takes what there is", async () => {
    const { said } = await doctor({});
    const works = (name: string): boolean => said.probes.some(({ provider, problem }) => provider === name && !problem);
    for (const provider of ["cuda", "webgpu"]) {
      if (works(provider)) continue;
      const { code, stdout, stderr } = await draw({ GUIDEPOST_PROVIDER: provider });
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(
        new RegExp(`^Networks cannot run on ${provider} here: .+; see docs/running\\.md .*\\.\n$`),
      );
      expect((await draw({}, "--provider", provider)).stderr).toBe(stderr);
      const asked = await doctor({ GUIDEPOST_PROVIDER: provider });
      expect(asked.code).toBe(2);
      expect(problemOf(asked.said, "networks")).toMatch(`GUIDEPOST_PROVIDER=${provider} cannot be had here`);
    }
    const expected = ["cuda", "webgpu", "cpu"].find(works);
    const { recipe } = JSON.parse((await draw({ GUIDEPOST_PROVIDER: "auto" })).stdout);
    expect(recipe.runtime).toMatchObject({ provider: expected, precision: "float32" });
  });

  test("that is none is named", async () => {
    const { code, stderr } = await draw({ GUIDEPOST_PROVIDER: "gpu" });
    expect(code).toBe(2);
    expect(stderr).toBe("GUIDEPOST_PROVIDER must be auto, cuda, webgpu or cpu; correct it, or leave it out.\n");
  });
});

describe("help", () => {
  test.each(["inspect", "sample", "check", "fsck", "doctor"])("of %s is printed", async (name) => {
    const help = await guidepost([name, "--help"]);
    expect({ code: help.code, stderr: help.stderr }).toEqual({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(new RegExp(`^Usage: guidepost ${name} `));
  });
});

describe("the processes of a hub", () => {
  test.each(["worker", "web", "start"])("%s --help prints help, and a word for what it does not know", async (name) => {
    const help = await guidepost([name, "--help"]);
    expect({ code: help.code, stderr: help.stderr }).toEqual({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(new RegExp(`^Usage: guidepost ${name} `));
    const unknown = await guidepost([name, "--fast"]);
    expect(unknown).toEqual({ code: 2, stdout: "", stderr: "Unknown option '--fast'; see npx guidepost --help.\n" });
  });

  test("stand in guidepost --help", async () => {
    const { stdout } = await guidepost(["--help"]);
    for (const name of ["inspect", "sample", "check", "fsck", "doctor", "start", "worker", "web"])
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
  });
});
