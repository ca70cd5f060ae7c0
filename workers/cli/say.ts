import { printable } from "#lib/util/printable.ts";

/** What a command found: one JSON object, or lines for people. Either may hold names that strangers chose. */
export function say(json: boolean, value: unknown, lines: () => readonly string[]): void {
  process.stdout.write(json ? `${escaped(JSON.stringify(value))}\n` : `${lines().map(printable).join("\n")}\n`);
}

/** JSON leaves some control characters and all marks that turn text around as they are; a terminal would obey them. */
const escaped = (json: string): string =>
  json.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join(""),
  );
