import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { link, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { writeWhole } from "#lib/util/write-whole.ts";

const root = mkdtempSync(join(tmpdir(), "write-whole-"));
afterAll(() => rmSync(root, { recursive: true }));
const fresh = (): string => mkdtempSync(join(root, "case-"));
const bytes = new TextEncoder().encode("a picture");
const onPosix = process.platform !== "win32";
const isRoot = process.getuid?.() === 0;

/** A device of our own like /dev/null, or null where the system lets nobody make one. */
function makeNullDevice(path: string): string | null {
  try {
    execFileSync("mknod", [path, "c", "1", "3"], { stdio: "ignore" });
    return path;
  } catch {
    return null;
  }
}

describe("a file is written whole", () => {
  test("under a new name, with nothing left beside it", async () => {
    const folder = fresh();
    await writeWhole(join(folder, "new.png"), bytes);
    expect(readdirSync(folder)).toEqual(["new.png"]);
    expect(readFileSync(join(folder, "new.png"), "utf8")).toBe("a picture");
  });

  test("over a longer one, which keeps its permissions; another name of the old file keeps the old bytes", async () => {
    const folder = fresh();
    const [path, other] = [join(folder, "old.png"), join(folder, "other.png")];
    await writeFile(path, "much longer than a picture");
    chmodSync(path, 0o640);
    await link(path, other);
    await writeWhole(path, bytes);
    expect(readFileSync(path, "utf8")).toBe("a picture");
    expect(readFileSync(other, "utf8")).toBe("much longer than a picture");
    if (onPosix) expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).toSorted()).toEqual(["old.png", "other.png"]);
  });

  test("piece by piece, and not at all where a piece fails", async () => {
    const folder = fresh();
    const path = join(folder, "pieces");
    await writeFile(path, "before");
    const broken = writeWhole(path, async (file) => {
      await file.writeFile("half");
      throw new Error("the disk is full");
    });
    await expect(broken).rejects.toThrow("the disk is full");
    expect(readFileSync(path, "utf8")).toBe("before");
    expect(readdirSync(folder)).toEqual(["pieces"]);
    await writeWhole(path, async (file) => {
      for (const piece of ["one ", "two"]) await file.writeFile(piece);
    });
    expect(readFileSync(path, "utf8")).toBe("one two");
  });

  test("by several at once: one of them is there, whole", async () => {
    const folder = fresh();
    const path = join(folder, "tape");
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(texts.map((text) => writeWhole(path, new TextEncoder().encode(text))));
    expect(texts).toContain(readFileSync(path, "utf8"));
    expect(readdirSync(folder)).toEqual(["tape"]);
  });

  test("under the longest name a disk takes", async () => {
    const path = join(fresh(), "n".repeat(255));
    await writeWhole(path, bytes);
    expect(await readFile(path, "utf8")).toBe("a picture");
  });
});

describe.runIf(onPosix)("a symbolic link stays", () => {
  test("and the file that it leads to is replaced, through two folders", async () => {
    const folder = fresh();
    await mkdir(join(folder, "far"));
    await writeFile(join(folder, "far/target"), "before");
    symlinkSync("far/target", join(folder, "second"));
    symlinkSync("second", join(folder, "first"));
    await writeWhole(join(folder, "first"), bytes);
    expect(readFileSync(join(folder, "far/target"), "utf8")).toBe("a picture");
    expect(["first", "second"].every((name) => lstatSync(join(folder, name)).isSymbolicLink())).toBe(true);
    expect(readdirSync(join(folder, "far"))).toEqual(["target"]);
  });

  test("and the file that it names is made where there is none yet", async () => {
    const folder = fresh();
    symlinkSync("new", join(folder, "link"));
    await writeWhole(join(folder, "link"), bytes);
    expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(folder, "new")).isFile()).toBe(true);
  });
});

describe.runIf(onPosix)("what is no file is never replaced", () => {
  // A device of our own: the machine's /dev/null is not for a test to lose.
  test.runIf(isRoot)(
    "a device takes the bytes and stays a device, by its name and through a link",
    async ({ skip }) => {
      const folder = fresh();
      const device = makeNullDevice(join(folder, "null"));
      if (device === null) return skip("the system makes no devices here");
      await writeWhole(device, bytes);
      symlinkSync("null", join(folder, "link"));
      await writeWhole(join(folder, "link"), bytes);
      expect(lstatSync(device).isCharacterDevice()).toBe(true);
      expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
      expect(readdirSync(folder).toSorted()).toEqual(["link", "null"]);
    },
  );

  test("a pipe hands the bytes to whoever reads it", async () => {
    const folder = fresh();
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [read] = await Promise.all([readFile(pipe, "utf8"), writeWhole(pipe, bytes)]);
    expect(read).toBe("a picture");
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });

  test("a folder, a socket, a circle of links and a read-only file are refused with a sentence", async () => {
    const folder = fresh();
    const socket = join(folder, "socket");
    const server = createServer().listen(socket);
    await new Promise((resolve) => server.once("listening", resolve));
    symlinkSync("b", join(folder, "a"));
    symlinkSync("a", join(folder, "b"));
    await writeFile(join(folder, "precious"), "before");
    chmodSync(join(folder, "precious"), 0o444);
    const cases = { ".": "a folder", socket: "a socket", a: "a circle", precious: "read-only" };
    for (const [name, why] of Object.entries(cases)) {
      const refused = { name: "AppError", code: "bad_request", message: expect.stringContaining(why) };
      await expect(writeWhole(join(folder, name), bytes)).rejects.toMatchObject(refused);
    }
    server.close();
    expect(readFileSync(join(folder, "precious"), "utf8")).toBe("before");
  });
});
