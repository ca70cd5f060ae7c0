/** What a command found: one JSON object, or lines for people. */
export function say(json: boolean, value: unknown, lines: () => readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines().join("\n")}\n`);
}
