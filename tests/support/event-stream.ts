export interface ReceivedEvent {
  readonly name: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into it with expect
  readonly data: any;
}

/** A client of server-sent events, as a browser has one. */
export interface EventStream {
  readonly headers: Headers;
  /** What a browser is told to wait before it comes back; null before it was told. */
  readonly retry: number | null;
  /** Comments so far. */
  readonly comments: number;
  /** The next event; null when the server has ended the stream. */
  next(): Promise<ReceivedEvent | null>;
  /** Goes away in the middle. */
  drop(): void;
}

/** @throws where the answer is not a stream, with its status and text */
export async function openEvents(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
  const gone = new AbortController();
  const response = await fetch(url, { headers: { accept: "text/event-stream", ...headers }, signal: gone.signal });
  if (response.status !== 200 || !response.headers.get("content-type")?.startsWith("text/event-stream"))
    throw new Error(`${response.status}: ${await response.text()}`);
  return readEvents(response, () => gone.abort());
}

export function readEvents(response: Response, drop: () => void): EventStream {
  const pieces = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, retry, comments]: [string, number | null, number] = ["", null, 0];

  async function next(): Promise<ReceivedEvent | null> {
    for (;;) {
      const end = rest.indexOf("\n\n");
      if (end < 0) {
        const { done, value } = await pieces.read();
        if (done) return null;
        rest += value;
        continue;
      }
      const lines = rest.slice(0, end).split("\n");
      rest = rest.slice(end + 2);
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      if (lines.some((line) => line.startsWith(":"))) comments++;
      if (field("retry") !== undefined) retry = Number(field("retry"));
      if (field("data") !== undefined) return { name: field("event") ?? "message", data: JSON.parse(field("data")!) };
    }
  }

  return {
    headers: response.headers,
    get retry() {
      return retry;
    },
    get comments() {
      return comments;
    },
    next,
    drop,
  };
}
