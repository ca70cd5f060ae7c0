import { env, isHttps } from "#lib/env.ts";
import { setTheme } from "#lib/http/doors.ts";
import { seeOther } from "#lib/http/form.ts";
import { readText } from "#lib/http/read-body.ts";
import { answerAt } from "#lib/http/route.ts";
import { requireSameOrigin } from "#lib/http/same-origin.ts";
import { THEME_COOKIE, themeOf } from "#lib/http/theme.ts";

const YEAR = 365 * 86_400;
const BODY_LIMIT = 1000;

/** Keeps what the footer was told, and goes back to the page it was told on. */
export const POST = answerAt(setTheme, async (request) => {
  requireSameOrigin(request);
  const theme = themeOf(new URLSearchParams(await readText(request, BODY_LIMIT)).get("theme") ?? undefined);
  const cookie = `${THEME_COOKIE}=${theme}; Path=/; Max-Age=${YEAR}; SameSite=Lax${isHttps() ? "; Secure" : ""}`;
  return seeOther(pageBefore(request), new Headers(), cookie);
});

/** Only a page of this hub. */
function pageBefore(request: Request): string {
  const referrer = request.headers.get("referer") ?? "";
  return URL.canParse(referrer) && new URL(referrer).origin === new URL(env().publicUrl).origin ? referrer : "/";
}
