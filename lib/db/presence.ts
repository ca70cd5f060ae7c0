import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { log } from "#lib/log.ts";

const ANSWER_MS = 5_000; // to connect and to be answered “1”: a machine that is very busy does it in one
const ASK_AGAIN_MS = 1_000;

/** As pg tells of a connection that ended; whoever asked is told that the database is away. */
export const notThere = (): Error => new Error("Connection terminated: the database does not answer");

/**
 * Whether the database at an address is there, as this process finds it. A server that is frozen, or behind a network that swallows what is
 * sent, refuses nothing and ends nothing: so it is asked something small over a connection of its own, and what works long on one
 * question is let go on as long as it answers others. While it is away nobody waits for it: all connections end, and none is begun.
 */
export class Presence {
  readonly #url: string;
  /** Ends each of the connections there are. */
  readonly #ends = new Set<() => void>();
  #isAway = false;
  #looking: Promise<void> | null = null;

  constructor(url: string) {
    this.#url = url;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** @returns what takes the connection out again */
  add(end: () => void): () => void {
    this.#ends.add(end);
    return () => void this.#ends.delete(end);
  }

  /** For whoever waits for an answer. Asks whether it is there, and where it is not, until it is back. Never fails. */
  suspect(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = null)));
  }

  async #look(): Promise<void> {
    if (await this.#answers()) return;
    this.#isAway = true;
    log().error({ event: "database.silent" }, "the database does not answer; all connections to it are ended");
    for (const end of this.#ends) end();
    do await sleep(ASK_AGAIN_MS, undefined, { ref: false });
    while (!(await this.#answers()));
    this.#isAway = false;
    log().info({ event: "database.back" }, "the database answers again");
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: "guidepost probe",
      connectionTimeoutMillis: ANSWER_MS,
    });
    client.on("error", () => {}); // told by what was asked
    const asked = client
      .connect()
      .then(() => client.query("SELECT 1"))
      .then(() => true)
      .catch((cause: unknown) => cause instanceof pg.DatabaseError); // a refusal is an answer
    // Where this process itself stood still, an answer that has come meanwhile is read before the time is over.
    const late = sleep(ANSWER_MS, false, { ref: false }).then(
      () => new Promise<false>((resolve) => setImmediate(resolve, false)),
    );
    const answers = await Promise.race([asked, late]);
    void client.end().catch(() => {});
    return answers;
  }
}

// Next may load this module more than once in one process; all connections to one address must share it.
const shared = globalThis as { guidepostPresences?: Map<string, Presence> };

export function presenceOf(url: string): Presence {
  const known = (shared.guidepostPresences ??= new Map());
  const presence = known.get(url) ?? new Presence(url);
  known.set(url, presence);
  return presence;
}
