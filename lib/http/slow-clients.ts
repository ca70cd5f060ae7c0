import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { AppError } from "#lib/errors.ts";
import { giveLastAnswer } from "./last-answer.ts";
import { Seats, type Sitter } from "./seats.ts";

export interface SlowLimits {
  /** A body, and an answer that its reader does not take, gets on by `windowBytes` in each window. */
  readonly windowMs: number;
  readonly windowBytes: number;
  /** Of what is no file: it is there after so long, or it is too late. */
  readonly smallBodyMs: number;
  /** A body that nobody will read any more, since the request was answered, ends its connection after so long. */
  readonly unreadMs: number;
  readonly connectionsOfAddress: number;
  readonly bodiesOfAddress: number;
  readonly bodies: number;
  readonly lookEveryMs: number;
}

/** 2 kB a second: a telephone in a bad place has ten times that. Browsers open 6 connections each, an office has one address. */
const usual: SlowLimits = {
  windowMs: 30_000,
  windowBytes: 60_000,
  smallBodyMs: 180_000,
  unreadMs: 10_000,
  connectionsOfAddress: 1000,
  bodiesOfAddress: 400,
  bodies: 2000,
  lookEveryMs: 1_000,
};

/** A request that is not at its end. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly began: number;
  readonly isFile: boolean;
  answeredAt: number;
  windowBegan: number;
  read: number;
  written: number;
}

/**
 * Ends what only keeps connections: bodies and readers that stand still, however they spread their bytes, bodies that nobody reads, and,
 * when one address has very many, the longest silent of its own. One look a second at all of them, and no timer for each.
 *
 * @returns what is asked of each request, with the address it came from, before anything is done with it: false where it was refused
 */
export function watchSlowClients(
  server: Server,
  isProxy: (address: string) => boolean,
  limits: SlowLimits = usual,
): (request: IncomingMessage, response: ServerResponse, address: string) => boolean {
  const exchanges = new Set<Exchange>();
  const connections = new Map<Socket, Connection>();
  const seats = new Seats();

  server.on("connection", (socket: Socket) => {
    const connection = new Connection(socket);
    connections.set(socket, connection);
    const address = socket.remoteAddress ?? "";
    const free = isProxy(address)
      ? () => {}
      : seats.take(`connection ${address}`, limits.connectionsOfAddress, connection);
    socket.once("close", () => {
      connections.delete(socket);
      free?.();
    });
    if (!free) socket.destroy();
  });

  setInterval(() => {
    const now = performance.now();
    for (const connection of connections.values()) connection.look(now);
    for (const exchange of exchanges) look(exchange, now, limits);
  }, limits.lookEveryMs).unref();

  return (request, response, address) => {
    const { socket } = request;
    const now = performance.now();
    const exchange: Exchange = {
      request,
      response,
      socket,
      began: now,
      isFile: request.method === "PUT" && request.url!.startsWith("/storage/"),
      answeredAt: Infinity,
      windowBegan: now,
      read: socket.bytesRead,
      written: socket.bytesWritten,
    };
    exchanges.add(exchange);
    const frees: (() => void)[] = [() => exchanges.delete(exchange)];
    response.once("close", () => frees.forEach((free) => free()));
    if (!hasBody(request)) return true;
    const sitter: Sitter = {
      silentSince: () => connections.get(socket)?.at ?? now,
      leave: () => refuse(exchange, crowded()),
    };
    for (const [name, limit] of [
      [`body ${address}`, limits.bodiesOfAddress],
      ["body", limits.bodies],
    ] as const) {
      const free = seats.take(name, limit, sitter);
      if (!free) {
        refuse(exchange, crowded());
        return false;
      }
      frees.push(free);
    }
    return true;
  };
}

/** When something last went over a connection, seen at the last look. */
class Connection implements Sitter {
  readonly #socket: Socket;
  #bytes = 0;
  at = performance.now();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  look(now: number): void {
    const { bytesRead, bytesWritten } = this.#socket;
    if (bytesRead + bytesWritten !== this.#bytes) this.at = now;
    this.#bytes = bytesRead + bytesWritten;
  }

  silentSince = (): number => this.at;
  leave = (): void => void this.#socket.destroy();
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

function look(exchange: Exchange, now: number, limits: SlowLimits): void {
  const { request, response, socket, began, isFile } = exchange;
  const isComing = hasBody(request) && !request.complete;
  if (isComing && response.writableEnded) {
    exchange.answeredAt = Math.min(exchange.answeredAt, now);
    if (now - exchange.answeredAt >= limits.unreadMs) socket.destroy(); // its client had that long to read the answer
    return;
  }
  if (isComing && !isFile && now - began > limits.smallBodyMs) return refuse(exchange, tooSlow());
  const isTaken = socket.writableLength === 0; // else the reader is asked to take what is written
  const isOurs = request.readableLength > 0; // what came waits for us
  const isIdle = !isComing && isTaken;
  if (isIdle || (isComing && isOurs)) return restart(exchange, now);
  if (now - exchange.windowBegan < limits.windowMs) return;
  const gone = isComing ? socket.bytesRead - exchange.read : socket.bytesWritten - exchange.written;
  if (gone >= limits.windowBytes) return restart(exchange, now);
  refuse(exchange, tooSlow());
}

function restart(exchange: Exchange, now: number): void {
  exchange.windowBegan = now;
  exchange.read = exchange.socket.bytesRead;
  exchange.written = exchange.socket.bytesWritten;
}

const tooSlow = (): AppError =>
  new AppError("too_slow", "The request came too slowly and was given up; send it again, over a better line.", {
    retryAfter: 2,
  });

const crowded = (): AppError =>
  new AppError(
    "rate_limited",
    "Too much is being sent from your address at this moment; let some of it finish, then send this again.",
    { retryAfter: 5 },
  );

/** Says why, where nothing was said yet, and ends the connection: what is still to come of the body is not waited for. */
function refuse({ request, response, socket }: Exchange, failure: AppError): void {
  request.pause();
  if (response.headersSent || socket.destroyed) return void socket.destroy();
  giveLastAnswer(socket, failure);
}
