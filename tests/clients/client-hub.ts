import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Person, Scope } from "#lib/auth/actor.ts";
import { createToken } from "#lib/auth/token.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { startWeb } from "../support/web-process.ts";
import type { Variables } from "./python.ts";

export interface ClientHub {
  readonly url: string;
  /** What a client of the Hub is started with: this hub, a home of its own, and the token of somebody or of nobody. */
  variables(token?: string): Variables;
  /** A new empty folder; gone with the hub. */
  folder(): Promise<string>;
  close(): Promise<void>;
}

/**
 * A hub for other people's clients: its web process as `npm start` runs it, with a database of its own. Repos are made by the services,
 * in this process. Call it at the top of a suite, before anything asks for `env()`.
 */
export async function startClientHub(more: Readonly<Record<string, string>> = {}): Promise<ClientHub> {
  const hub = await useTempHub(more);
  const web = await startWeb(hub.variables);
  const home = await mkdtemp(join(tmpdir(), "guidepost-client-"));
  return {
    url: web.url,
    variables: (token) => ({ HF_ENDPOINT: web.url, HF_HOME: home, HOME: home, ...(token && { HF_TOKEN: token }) }),
    folder: () => mkdtemp(join(home, "folder-")),
    close: async () => {
      await web.stop();
      await hub.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** The secret of a token of somebody. */
export const secretOf = async (person: Person, ...scopes: Scope[]): Promise<string> =>
  (await createToken(person, { name: "client", scopes })).secret;
