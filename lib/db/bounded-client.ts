import type { EventEmitter } from "node:events";
import { Socket } from "node:net";
import pg from "pg";
import { notThere, presenceOf } from "./presence.ts";

/** Who has waited so long for an answer asks whether anybody is there. */
const SUSPECT_MS = 3_000;

/**
 * A connection to PostgreSQL on which nobody waits for ever: it ends when the server is found away, and when one question has had no
 * answer for `longestMs`, whoever else is answered.
 *
 * Not by pg's `query_timeout`: that lets go of the question and keeps the connection, and what follows it in a transaction, a ROLLBACK
 * too, is dropped unsent. The next who has that connection from the pool would work within the transaction of another.
 */
export const boundedClient = (url: string, longestMs: number): new (config?: pg.ClientConfig) => pg.Client =>
  class extends pg.Client {
    readonly #socket: Socket;
    readonly #presence = presenceOf(url);
    /** On while the server owes an answer. */
    #owed: NodeJS.Timeout | null = null;
    #isOver = false;

    constructor(config?: pg.ClientConfig) {
      const socket = new Socket();
      // Keep-alive is for a server that has heard the question and is gone since: nothing is sent again that could fail.
      const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };
      super({ ...config, ...keepAlive, connectionString: url, stream: () => socket });
      this.#socket = socket;
      this.on("drain", () => this.#settle());
      this.once("end", () => {
        this.#settle();
        this.#isOver = true;
      });
    }
    // oxlint-disable typescript/no-explicit-any -- pg has overloads of these; all of them pass through as they are

    override connect(...done: any[]): any {
      const give = (): unknown => this.#socket.destroy(notThere());
      const leave = this.#presence.add(give);
      // How long it is waited for is the pool's to say.
      const late = setTimeout(() => void this.#presence.suspect(), SUSPECT_MS);
      (this as EventEmitter).once("connect", () => clearTimeout(late));
      this.once("end", () => {
        clearTimeout(late);
        leave();
      });
      if (this.#presence.isAway) process.nextTick(give); // as one that was cut
      return super.connect(...(done as []));
    }

    override query(...asked: any[]): any {
      this.#owe();
      return super.query(...(asked as [string]));
    }

    override end(...done: any[]): any {
      this.#owe(); // a goodbye is answered too
      return super.end(...(done as []));
    }

    #owe(): void {
      if (this.#owed || this.#isOver) return;
      const since = performance.now();
      const timer = setInterval(() => {
        // Where this process itself stood still, what was said meanwhile is read before this.
        setImmediate(() => {
          if (this.#owed !== timer) return;
          if (performance.now() - since > longestMs) this.#socket.destroy(notThere());
          else void this.#presence.suspect();
        });
      }, SUSPECT_MS);
      this.#owed = timer;
    }

    #settle(): void {
      if (this.#owed) clearInterval(this.#owed);
      this.#owed = null;
    }
  };
