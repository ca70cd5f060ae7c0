import { fork } from "node:child_process";
import { once } from "node:events";
import { ownVariables } from "#lib/env.ts";
import { buildPages } from "#workers/setup/build.ts";
import { freePort } from "./free-port.ts";

export interface WebProcess {
  readonly url: string;
  readonly pid: number;
  /** What it has written to its log. */
  said(): string;
  stop(): Promise<void>;
}

/** The web process of a hub alone, with its pages, as `npm start` runs it; for tests that bring the rest themselves. */
export async function startWeb(variables: Readonly<Record<string, string>>): Promise<WebProcess> {
  await buildPages(() => {});
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const child = fork(new URL("../../workers/setup/web.ts", import.meta.url), [], {
    env: { ...ownVariables(), ...variables, NODE_ENV: "production", PORT: String(port), GUIDEPOST_URL: url },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let text = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (bytes: Buffer) => (text += bytes.toString()));
  const ended = once(child, "exit");
  await Promise.race([once(child, "message"), ended.then(() => Promise.reject(new Error(text)))]);
  return {
    url,
    pid: child.pid!,
    said: () => text,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
