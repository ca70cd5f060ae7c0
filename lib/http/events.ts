import { isDeepStrictEqual } from "node:util";
import { type Actor, anonymous, credentialOf } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { addressOf } from "#lib/auth/throttle.ts";
import type { Feed, ServerEvent } from "#lib/queue/feed.ts";
import { AppError, failures } from "#lib/errors.ts";
import { type Watched, watchSubject } from "#lib/queue/watched.ts";
import { toAppError } from "./failure.ts";
import { type Right, watchRight } from "./watch-right.ts";

/** What a browser waits before it comes back. */
const RETRY_MS = 2_000;
/** After a look that failed, for a database that is away. */
const AGAIN_MS = 2_000;
/** Proxies cut what is silent for half a minute. */
const HEARTBEAT_MS = 15_000;
/** Then the browser comes back, and who it is is asked again. */
const MAX_AGE_MS = 15 * 60_000;
const MAX_STREAMS = 1000;
/** Of one person, and of one address from which nobody is signed in: some tabs of a browser. */
const MAX_OF_ONE = 24;

// Next may load this module more than once in one process; there must be one of this.
const shared = globalThis as { guidepostStreams?: Map<Request, string> };
/** Whose streams are open. Kept whole: the signal of a request that is collected as garbage never tells that its client has left. */
const streams = (shared.guidepostStreams ??= new Map());

/**
 * Server-sent events: at once how everything is, then each change until the end. A database that is away for a while only makes
 * them late. What else fails in the middle is told as the event “failure”, and the stream ends.
 *
 * @throws rate_limited, and whatever the first look throws: it is an answer as any other
 */
export async function streamEvents<View>(
  request: Request,
  feed: Feed<View>,
  actor: Actor = anonymous,
): Promise<Response> {
  const whose = actor.kind === "person" ? actor.userId : `address ${addressOf(request.headers)}`;
  if (
    streams
      .values()
      .filter((one) => one === whose)
      .toArray().length >= MAX_OF_ONE
  )
    throw new AppError(
      "rate_limited",
      `You are watching ${MAX_OF_ONE} things live already, in other tabs or programs; close some, or ask for this without events every few seconds.`,
      { limit: MAX_OF_ONE, retryAfter: 10 },
    );
  if (streams.size >= MAX_STREAMS)
    throw new AppError(
      "rate_limited",
      `${MAX_STREAMS} others are watching something live already; ask for this without events every few seconds instead.`,
      { limit: MAX_STREAMS, retryAfter: 10 },
    );
  streams.set(request, whose);
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  request.signal.addEventListener("abort", leave, { once: true });
  gone.signal.addEventListener("abort", () => streams.delete(request));
  if (actor.kind === "person")
    gone.signal.addEventListener("abort", watchRight(stillToBe(actor, request.headers), leave));
  try {
    const watched = watchSubject(feed.id); // first, so that nothing happens between the look and the watch
    gone.signal.addEventListener("abort", watched.close);
    const { turn } = watched;
    const texts = tell(feed, { turn, view: await feed.read() }, watched, nameOf(actor), gone.signal);
    const body = new ReadableStream<string>({
      async pull(controller) {
        const { done, value } = await texts.next();
        if (!done) return controller.enqueue(value);
        leave();
        controller.close();
      },
      cancel: leave,
    });
    return new Response(body.pipeThrough(new TextEncoderStream()), {
      headers: {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "private, no-cache, no-transform",
        "X-Accel-Buffering": "no",
      },
    });
  } catch (failure) {
    leave();
    throw failure;
  }
}

/** Signed in as before, by a token that is there, an operator who still is one. */
const stillToBe = (actor: Actor, headers: Headers): Right => ({
  name: credentialOf(actor),
  require: async () => {
    if (!isDeepStrictEqual(await actorOf(headers), actor))
      throw new AppError("unauthenticated", "You are not signed in as before; sign in, and look again.");
  },
});

/** Who sees the same: tokens may do less than their person. */
const nameOf = (actor: Actor): string =>
  actor.kind === "person" ? JSON.stringify([actor.userId, actor.isOperator, [...actor.scopes].toSorted()]) : actor.kind;

async function* tell<View>(
  feed: Feed<View>,
  first: { readonly turn: number; readonly view: View },
  watched: Watched,
  who: string,
  gone: AbortSignal,
): AsyncGenerator<string, void> {
  yield `retry: ${RETRY_MS}\n\n`;
  const began = performance.now();
  let [before, now, seen, said]: [View | null, View, number, number] = [null, first.view, first.turn, began];
  for (;;) {
    for (const event of feed.changes(before, now)) {
      yield toText(event);
      said = performance.now();
    }
    if (feed.hasEnded(now)) return;
    before = now;
    for (let isSeen = false; !isSeen;) {
      if (performance.now() - began > MAX_AGE_MS) return;
      await watched.moved(seen, said + HEARTBEAT_MS - performance.now());
      if (gone.aborted) return;
      if (performance.now() - said >= HEARTBEAT_MS) {
        yield ":\n\n";
        said = performance.now();
      }
      if (watched.turn === seen) continue;
      const { turn } = watched;
      try {
        now = await watched.read(who, feed.read);
        [isSeen, seen] = [true, turn];
      } catch (cause) {
        const { code, message } = toAppError(cause);
        if (!failures[code].temporary) return yield toText({ name: "failure", data: { code, error: message } });
        await watched.moved(turn, AGAIN_MS);
      }
    }
  }
}

const toText = ({ name, data }: ServerEvent): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
