import type { IncomingMessage, ServerResponse } from "node:http";

const OF_CLIENT = 2; // a page and what it fetches overlap; more at once are no faster for whoever asks, and slower for all others
const OF_ADDRESS = 8; // whoever forges credentials gets no further, and an office has short waits
const LONGEST_MS = 10_000; // who reads an answer slowly keeps no place

/** What streams or waits by itself, and is no work meanwhile. */
const isLong = (path: string): boolean => /^\/storage\/|\/resolve\/|\/events(?:\?|$)/.test(path);

interface Waiting {
  readonly client: string;
  readonly address: string;
  readonly begin: () => void;
}

/**
 * Lets only a few questions of one client be worked on at the same time; its others wait in line, and nobody else behind them. One process
 * renders all pages, and twenty at once of a large one would keep it from everybody for as long as all twenty take.
 */
export class InTurn {
  readonly #working = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();

  /** Has `work` done when it is its turn; never for a client that has gone meanwhile. */
  take(request: IncomingMessage, response: ServerResponse, address: string, work: () => void): void {
    if (request.method !== "GET" || isLong(request.url ?? "")) return work();
    const { authorization, cookie } = request.headers;
    const client = [address, authorization ?? "", cookie ?? ""].join("\n");
    const waiting: Waiting = {
      client,
      address,
      begin: () => {
        const leave = this.#begin(client, address);
        const timer = setTimeout(leave, LONGEST_MS).unref();
        response.once("close", () => {
          clearTimeout(timer);
          leave();
        });
        response.once("finish", leave);
        work();
      },
    };
    if (this.#isFree(waiting)) return waiting.begin();
    this.#waiting.add(waiting);
    response.once("close", () => this.#waiting.delete(waiting));
  }

  #isFree = ({ client, address }: Waiting): boolean =>
    this.#countOf(client) < OF_CLIENT && this.#countOf(address) < OF_ADDRESS;

  #countOf = (name: string): number => this.#working.get(name) ?? 0;

  #begin(client: string, address: string): () => void {
    for (const name of [client, address]) this.#working.set(name, this.#countOf(name) + 1);
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      for (const name of [client, address]) {
        if (this.#countOf(name) > 1) this.#working.set(name, this.#countOf(name) - 1);
        else this.#working.delete(name);
      }
      for (const next of this.#waiting) {
        if (!this.#isFree(next)) continue;
        this.#waiting.delete(next);
        return next.begin();
      }
    };
  }
}
