import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Garbled, ReaderProcess } from "#lib/catalog/cards/reader/process.ts";

// Whatever a reader says, we live: an exception that nobody catches would fail this file.

const script = fileURLToPath(new URL("./garbling-reader.ts", import.meta.url));

test.each(["bytes", "clone", "huge", "another", "wrong"])(
  "a reader that says “%s” ends, and its text with it",
  async (what) => {
    const reader = new ReaderProcess(script);
    expect(await reader.read({ kind: "html", text: "a" })).toBe("read");
    await expect(reader.read({ kind: "html", text: `say ${what}` })).rejects.toThrow(Garbled);
    await expect.poll(() => reader.isAlive).toBe(false);
  },
);

test("what it says to nobody ends it too", async () => {
  const reader = new ReaderProcess(script);
  expect(await reader.read({ kind: "html", text: "say twice" })).toBe("a");
  await expect.poll(() => reader.isAlive).toBe(false);
});
