import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPostgres } from "#workers/setup/postgres.ts";

const nobody = 65534;
const isRoot = process.getuid?.() === 0;
const root = mkdtempSync(join(tmpdir(), "guidepost-failure-"));
chmodSync(root, 0o755); // one test is another user
const made = join(root, "made");

beforeAll(async () => {
  const server = await startPostgres({ folder: made, settings: { fsync: "off" } });
  await server.stop();
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function copyOfMade(name: string): string {
  const folder = join(root, name);
  cpSync(made, folder, { recursive: true });
  return folder;
}

/** What a start says that fails, as an ordinary user where that matters. `mount`: shell words that prepare `folder` in a mount namespace of its own. */
function sentenceOf(folder: string, { uid, mount }: { uid?: number; mount?: string } = {}): string {
  const code = `import { startPostgres } from "#workers/setup/postgres.ts"; try { await startPostgres({ folder: ${JSON.stringify(folder)} }); console.log("it started"); process.exit(0); } catch (failure) { console.log(failure.name + ": " + failure.message); }`;
  const node = [process.execPath, "--input-type=module", "-e", code] as const;
  const [program, ...args] = mount
    ? ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", `${mount} && exec "$@"`, "sh", ...node]
    : node;
  const run = spawnSync(program!, args, { encoding: "utf8", ...(uid === undefined ? {} : { uid, gid: uid }) });
  return run.stdout.trim() || run.stderr;
}

const readOnly = (folder: string): string => `mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}`;

describe("a start that cannot be is told in a sentence:", () => {
  const canMount = spawnSync("unshare", ["--user", "--map-root-user", "--mount", "true"]).status === 0;

  test("a file in place of the folder", () => {
    writeFileSync(join(root, "file"), "");
    expect(sentenceOf(join(root, "file"))).toBe(
      `AppError: ${root}/file is a file, not a folder; move it away, or point GUIDEPOST_DATA elsewhere.`,
    );
    expect(sentenceOf(join(root, "file", "postgres"))).toMatch(/^AppError: .* is a file, not a folder;/);
  });

  test("a folder of somebody else", () => {
    const folder = join(root, "theirs");
    mkdirSync(folder, { mode: isRoot ? 0o700 : 0o500 });
    expect(sentenceOf(join(folder, "data"), isRoot ? { uid: nobody } : {})).toBe(
      `AppError: PostgreSQL runs here as this user and may not write ${folder}/data; give it that folder, or point GUIDEPOST_DATA at another.`,
    );
  });

  test.runIf(canMount)("a read-only disk, empty or with a cluster", () => {
    const [empty, full] = [join(root, "read-only"), copyOfMade("read-only-cluster")];
    mkdirSync(empty);
    expect(sentenceOf(join(empty, "data"), { mount: readOnly(empty) })).toMatch(
      /^AppError: .*\/read-only\/data is on a read-only disk; point GUIDEPOST_DATA at a folder that can be written\.$/,
    );
    expect(sentenceOf(full, { mount: readOnly(full) })).toMatch(
      /^AppError: .*\/read-only-cluster is on a read-only disk;/,
    );
  });

  test.runIf(canMount)("a full disk, at the first start or a later one", () => {
    const [first, later] = [join(root, "full"), join(root, "full-later")];
    mkdirSync(first);
    mkdirSync(later);
    expect(sentenceOf(join(first, "data"), { mount: `mount -t tmpfs -o size=8m none ${first}` })).toMatch(
      /^AppError: The disk of .*\/full\/data is full; free at least 100 MB, or point GUIDEPOST_DATA at another disk\.$/,
    );
    const fill = `mount -t tmpfs -o size=100m none ${later} && cp -r ${made} ${later}/data && { dd if=/dev/zero of=${later}/rest bs=1k 2>/dev/null; true; }`;
    expect(sentenceOf(join(later, "data"), { mount: fill })).toMatch(
      /^AppError: The disk of .*\/full-later\/data is full;/,
    );
  });

  test("a cluster of another version", () => {
    const folder = copyOfMade("version");
    writeFileSync(join(folder, "cluster", "PG_VERSION"), "17\n");
    expect(sentenceOf(folder)).toBe(
      `AppError: ${folder} was made by another version of PostgreSQL; start the Guidepost that made it, or point GUIDEPOST_DATA at a new folder.`,
    );
  });

  test("a password that is not this cluster's", async () => {
    const folder = copyOfMade("password");
    writeFileSync(join(folder, "cluster", "password"), "another");
    expect(sentenceOf(folder)).toBe(
      `AppError: ${folder}/cluster/password is not the password this database was made with; put the old file back.`,
    );
    expect(existsSync(join(folder, "cluster", "postmaster.pid"))).toBe(false); // it did not stay
  });

  test("what nobody foresaw, with the last thing PostgreSQL said", () => {
    const folder = copyOfMade("unforeseen");
    writeFileSync(join(folder, "cluster", "postgresql.conf"), "shared_buffers = 'a lot'\n");
    expect(sentenceOf(folder)).toMatch(
      /^AppError: PostgreSQL failed while starting \(.*FATAL: .*postgresql\.conf.*\); .*\/unforeseen\/log has the rest\.$/,
    );
  });
});
