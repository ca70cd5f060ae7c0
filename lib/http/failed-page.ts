import { randomUUID } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { AppError, failures } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { escapeMarkup } from "#lib/util/escape-markup.ts";
import { awaitPageFailure, PAGE_REQUEST } from "./page-failures.ts";
import { type Theme, THEME_COOKIE, themeOf } from "./theme.ts";

/** Whose answers programs read. */
const forPrograms = /^\/(?:api|storage)\/|^\/(?:healthz|readyz)(?:\?|$)/;

/**
 * Puts a page of ours in the place of an answer of 500 and more that a person would see: what failed by its reason, with its status, and
 * when to come again. Next's own says 500 whatever it was, shows nothing without its scripts, and marks those with no nonce. A program
 * that asks for something else than a page gets the answer as it is.
 *
 * @param stylesheets addresses of what the pages look like
 */
export function replaceFailedPage(
  request: IncomingMessage,
  response: ServerResponse,
  stylesheets: readonly string[],
): void {
  delete request.headers[PAGE_REQUEST];
  if (forPrograms.test(request.url ?? "") || request.headers["rsc"] !== undefined) return;
  const id = randomUUID();
  request.headers[PAGE_REQUEST] = id;
  const failure = awaitPageFailure(id);
  response.once("close", failure.end);

  const own = pick(response);
  let isReplaced = false;
  const replaces = (status: number): boolean => {
    isReplaced ||= status >= 500 && !response.headersSent && isShown(request, response);
    return isReplaced;
  };
  Object.assign(response, {
    flushHeaders: () => replaces(response.statusCode) || own.flushHeaders.call(response),
    writeHead: (status: number, ...more: [OutgoingHttpHeaders?]) =>
      replaces(status) ? response : own.writeHead.call(response, status, ...more),
    write: (...asked: Parameters<ServerResponse["write"]>) =>
      replaces(response.statusCode) || own.write.apply(response, asked),
    end: (...asked: Parameters<ServerResponse["end"]>) => {
      if (!replaces(response.statusCode)) return own.end.apply(response, asked);
      Object.assign(response, own);
      return send(request, response, failure.found(), stylesheets);
    },
  });
}

const pick = ({ flushHeaders, writeHead, write, end }: ServerResponse) => ({ flushHeaders, writeHead, write, end });

/** A page, or what a browser asked for by itself: the answer to a form, a download that somebody clicked. */
const isShown = ({ headers }: IncomingMessage, response: ServerResponse): boolean =>
  String(response.getHeader("content-type")).startsWith("text/html") || (headers.accept ?? "").includes("text/html");

const kept = new Set([
  "content-security-policy",
  "x-content-type-options",
  "referrer-policy",
  "x-frame-options",
  "x-request-id",
]);

const unforeseen = new AppError("internal", "Something on our side did not answer. Nothing of yours was lost.");

function send(
  request: IncomingMessage,
  response: ServerResponse,
  found: AppError | null,
  stylesheets: readonly string[],
): ServerResponse {
  const { code, message, detail } = found ?? unforeseen;
  const { status, temporary } = failures[code];
  const requestId = String(response.getHeader("x-request-id") ?? request.headers[PAGE_REQUEST]);
  log().error({ event: "page.failed", code, requestId, path: request.url?.split("?")[0], err: found?.cause ?? found });
  for (const name of response.getHeaderNames()) if (!kept.has(name)) response.removeHeader(name);
  response.setHeader("X-Request-Id", requestId);
  response.setHeader("Cache-Control", "private, no-store");
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  if (temporary) response.setHeader("Retry-After", String(detail["retryAfter"] ?? 2));
  response.statusCode = Math.max(status, 500);
  return response.end(
    pageOf(
      { status: response.statusCode, message, requestId, address: addressOf(request) },
      themeIn(request),
      stylesheets,
    ),
  );
}

/** What the page says of itself. */
interface Told {
  readonly status: number;
  readonly message: string;
  readonly requestId: string;
  /** What is asked for once more. */
  readonly address: string;
}

/** Without scripts, and without a question to anything that may be away; it looks as `app/_ui/dead-end.tsx` does. */
const pageOf = (
  { status, message, requestId, address }: Told,
  theme: Theme,
  stylesheets: readonly string[],
): string => `<!doctype html>
<html lang="en" data-theme="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not at the moment · Guidepost</title>
<link rel="icon" href="/icon.svg">
${stylesheets.map((one) => `<link rel="stylesheet" href="${one}">`).join("\n")}
</head>
<body class="flex min-h-dvh flex-col">
<header class="border-b border-line bg-raised">
<div class="mx-auto flex max-w-[1200px] flex-wrap items-center gap-x-5 gap-y-2 px-4 py-2.5">
<a href="/" class="flex items-center gap-2 text-title font-semibold text-ink no-underline">Guidepost</a>
</div>
</header>
<main class="mx-auto w-full max-w-[1200px] flex-1 px-4 py-6 outline-none sm:py-8">
<div class="mx-auto max-w-[56ch] py-12 text-center">
<p class="mb-2 font-mono text-hero text-quiet">${status}</p>
<h1 class="text-page">This page cannot be shown at the moment</h1>
<p class="mt-3 text-quiet">${escapeMarkup(message)}</p>
<p class="mt-3 text-quiet">If it stays, tell the hub&#39;s operator the number <code>${escapeMarkup(requestId)}</code>.</p>
<div class="mt-6 flex flex-wrap justify-center gap-3"><a href="${escapeMarkup(address)}">Try again</a></div>
</div>
</main>
</body>
</html>
`;

/** The same page, or the one that the form was on; always of this hub. */
function addressOf({ method, url = "/", headers }: IncomingMessage): string {
  const before = URL.parse(headers.referer ?? "");
  const form = before !== null && before.host === headers.host ? before.pathname + before.search : "/";
  const path = method === "GET" ? url : form;
  return path.replace(/^\/+/, "/"); // “//a” would be another site
}

const themeIn = ({ headers }: IncomingMessage): Theme =>
  themeOf(
    (headers.cookie ?? "")
      .split("; ")
      .find((one) => one.startsWith(`${THEME_COOKIE}=`))
      ?.slice(THEME_COOKIE.length + 1),
  );
