import { env } from "#lib/env.ts";
import type { RouteHandler } from "#lib/http/route.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into it with expect
  readonly body: any;
}

export interface Ask {
  readonly method?: string;
  readonly params?: Readonly<Record<string, string | string[]>>;
  /** Sent as JSON; a text as it is. */
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>>;
  /** Over what a browser would send; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

/** Somebody with a browser: calls route handlers, keeps their cookies, and says where a request comes from. */
export class Visitor {
  readonly cookies = new Map<string, string>();

  async ask(
    handler: RouteHandler,
    { method = "GET", params = {}, body, query = {}, headers = {} }: Ask = {},
  ): Promise<Answer> {
    const sent = new Headers({ origin: env().publicUrl });
    if (this.cookies.size > 0)
      sent.set("cookie", [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    if (body !== undefined) sent.set("content-type", "application/json");
    for (const [name, value] of Object.entries(headers)) {
      if (value === null) sent.delete(name);
      else sent.set(name, value);
    }
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const url = `${env().publicUrl}/?${new URLSearchParams(query)}`;
    const response = await handler(
      new Request(url, { method, headers: sent, ...(text === undefined ? {} : { body: text }) }),
      { params: Promise.resolve(params) },
    );
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
    const answer = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: response.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(answer) : answer,
    };
  }

  #keep(cookie: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
    if (/; Max-Age=0\b/.test(cookie)) this.cookies.delete(name!);
    else this.cookies.set(name!, value!);
  }
}

/** What a program sends: no cookie, no origin, a token. */
export const withToken = (token: string): Pick<Ask, "headers"> => ({
  headers: { origin: null, authorization: `Bearer ${token}` },
});
