import { setTimeout as sleep } from "node:timers/promises";
import type { NewCommit } from "#lib/catalog/commits/schema.ts";
import type { NewRepo } from "#lib/catalog/repos/schema.ts";
import type { UploadView } from "#lib/catalog/uploads/schema.ts";
import { type ApiAnswer, UploadClient } from "./upload-client.ts";

export const PASSWORD = "correct horse battery";

/** Somebody with an account, a session and a token at a hub that runs, as a program and a browser of theirs use it. */
export class HubMember extends UploadClient {
  readonly url: string;
  readonly username: string;
  readonly authorization: Readonly<Record<"authorization", string>>;
  readonly #session: Readonly<Record<string, string>>;

  private constructor(url: string, username: string, token: string, session: Readonly<Record<string, string>>) {
    super(url, token);
    this.url = url;
    this.username = username;
    this.authorization = { authorization: `Bearer ${token}` };
    this.#session = session;
  }

  /** Signs up by the link of an invitation and makes a token that may do everything. @throws where the hub refuses */
  static async join(link: string, username: string): Promise<HubMember> {
    const { origin, searchParams } = new URL(link);
    const nobody = new UploadClient(origin, null);
    const account = {
      username,
      email: `${username}@example.org`,
      password: PASSWORD,
      invitation: searchParams.get("invitation"),
    };
    return HubMember.#begin(origin, username, must(201, await nobody.ask("POST", "/accounts", account, { origin })));
  }

  /** Somebody who has an account already. */
  static async signIn(origin: string, username: string, password = PASSWORD): Promise<HubMember> {
    return HubMember.#begin(
      origin,
      username,
      must(201, await new UploadClient(origin, null).ask("POST", "/sessions", { username, password }, { origin })),
    );
  }

  static async #begin(origin: string, username: string, { headers }: ApiAnswer): Promise<HubMember> {
    const session = {
      origin,
      cookie: headers
        .getSetCookie()
        .map((cookie) => cookie.split(";")[0]!)
        .join("; "),
    };
    const { body } = must(
      201,
      await new UploadClient(origin, null).ask(
        "POST",
        "/tokens",
        { name: "laptop", scopes: ["read", "write", "run"] },
        session,
      ),
    );
    return new HubMember(origin, username, body.secret as string, session);
  }

  /** Its session, for a browser. */
  get cookies(): { readonly name: string; readonly value: string; readonly url: string }[] {
    return this.#session["cookie"]!.split("; ").map((cookie) => ({
      name: cookie.slice(0, cookie.indexOf("=")),
      value: cookie.slice(cookie.indexOf("=") + 1),
      url: this.url,
    }));
  }

  /** What its browser sends with every request. */
  get browserHeaders(): Readonly<Record<string, string>> {
    return this.#session;
  }

  /** What only a session may do. */
  asBrowser(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    return new UploadClient(this.url, null).ask(method, path, body, this.#session);
  }

  /** @returns its name, like owner/repo */
  async newRepo(name: string, more: Partial<NewRepo> = {}): Promise<string> {
    must(
      201,
      await this.ask("POST", "/repos", {
        owner: this.username,
        name,
        kind: "finetune",
        visibility: "private",
        ...more,
      }),
    );
    return `${this.username}/${name}`;
  }

  commit(repo: string, operations: NewCommit["operations"], title = "Files"): Promise<ApiAnswer> {
    return this.ask("POST", `/repos/${repo}/commits`, { title, operations });
  }

  /** Waits until a worker has read an upload. */
  async ended(id: string, seconds = PATIENCE): Promise<UploadView> {
    return eventually(
      `the upload ${id} read`,
      async () => (await this.get(id)).body as UploadView,
      ({ state }) => state === "verified" || state === "failed",
      seconds,
    );
  }

  /** @returns the id of an upload that a commit may take */
  async verified(repo: string, path: string, bytes: Uint8Array): Promise<string> {
    const { id } = await this.upload(repo, path, bytes);
    const { state, problem } = await this.ended(id);
    if (state !== "verified") throw new Error(`${path}: ${problem}`);
    return id;
  }

  /** Asks for a file at the head of the default branch, and follows to the store. */
  download(repo: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.address(repo, path), { headers: { ...this.authorization, ...headers } });
  }

  address(repo: string, path: string): string {
    return `${this.url}/${repo}/resolve/main/${path}`;
  }
}

/** @throws with all of the answer when it is another */
export function must(status: number, answer: ApiAnswer): ApiAnswer {
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
}

const PAUSE_MS = 100;
/** In seconds. It ends what hangs, and hurries nobody: a machine that does other work takes many times as long. */
const PATIENCE = 240;

/** Looks until it holds. While the hub cannot be looked at it does not. @throws with what was seen last, when the time is over */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  seconds = PATIENCE,
): Promise<T> {
  let last: unknown = null;
  for (const began = Date.now(); Date.now() - began < seconds * 1000; await sleep(PAUSE_MS)) {
    try {
      const seen = await look();
      if (holds(seen)) return seen;
      last = seen;
    } catch (cause) {
      last = cause;
    }
  }
  throw new Error(
    `${what} took more than ${seconds} s; seen last: ${last instanceof Error ? last.stack : JSON.stringify(last)}`,
  );
}

/** Asks again while nobody answers, or the hub says that it may pass: after as long as it says. @returns the first other answer */
export async function persist(ask: () => Promise<ApiAnswer>, seconds = PATIENCE): Promise<ApiAnswer> {
  for (const began = Date.now(); ;) {
    const answer = await ask().catch(() => null);
    const again = answer === null ? 1 : answer.headers.get("retry-after");
    if (again === null || Date.now() - began > seconds * 1000) return answer ?? ask();
    await sleep(Number(again) * 1000);
  }
}

/** The bytes of a safetensors file, the last bit of its first weight turned: another file, and the same model. */
export function retouched(file: Buffer): Buffer {
  const changed = Buffer.from(file);
  changed[8 + Number(file.readBigUInt64LE())]! ^= 1;
  return changed;
}
