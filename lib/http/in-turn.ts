import type { IncomingMessage, ServerResponse } from "node:http";

/** What waits for its turn together, and how many of it are worked on at the same time. */
interface Line {
  readonly name: string;
  readonly ofClient: number;
  readonly ofAddress: number;
  /** Whoever takes longer keeps no place. */
  readonly longestMs: number;
}

/**
 * A page and what it fetches overlap; more at once are no faster for whoever asks, and slower for all others. Whoever forges credentials
 * gets no further, and an office has short waits. Who reads an answer slowly keeps no place.
 */
const questions: Line = { name: "questions", ofClient: 2, ofAddress: 8, longestMs: 10_000 };

/** A large body takes up to a tenth of a second to be understood, and one that does not come keeps its place for a moment only. */
const largeBodies: Line = { name: "large bodies", ofClient: 2, ofAddress: 16, longestMs: 2_000 };

const LARGE = 64_000;

/** What streams or waits by itself, and is no work meanwhile. */
const isLong = (path: string): boolean =>
  /^\/storage\/|^\/[^/]+\/[^/]+\/resolve\/|^\/api\/v1\/[^/]+\/[^/]+\/events$/.test(path);

/** A page is rendered whatever it is asked with. */
function lineOf({ method, url = "", headers }: IncomingMessage): Line | null {
  const [path = ""] = url.split("?", 1);
  if (isLong(path)) return null;
  if (method === "GET" || method === "HEAD" || !path.startsWith("/api/")) return questions;
  const isLarge = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > LARGE;
  return isLarge ? largeBodies : null;
}

interface Waiting {
  readonly line: Line;
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
    const line = lineOf(request);
    if (line === null) return work();
    const { authorization, cookie } = request.headers;
    const waiting: Waiting = {
      line,
      client: [line.name, address, authorization ?? "", cookie ?? ""].join("\n"),
      address: [line.name, address].join("\n"),
      begin: () => {
        const leave = this.#begin(waiting);
        const timer = setTimeout(leave, line.longestMs).unref();
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

  #isFree = ({ line, client, address }: Waiting): boolean =>
    this.#countOf(client) < line.ofClient && this.#countOf(address) < line.ofAddress;

  #countOf = (name: string): number => this.#working.get(name) ?? 0;

  #begin({ client, address }: Waiting): () => void {
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
