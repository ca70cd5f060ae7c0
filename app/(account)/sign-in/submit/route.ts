import { z } from "zod";
import { signIn } from "#lib/auth/sign-in.ts";
import { credentials } from "#lib/catalog/namespaces/schema.ts";
import { formRoute } from "#lib/http/form.ts";
import { nextPage } from "#lib/http/next-page.ts";
import { createSession } from "#lib/http/operations/account.ts";

interface Given {
  readonly credentials: z.input<typeof credentials>;
  readonly next: string | null;
}

/** No username holds an “@”. */
const form = z
  .object({ login: z.string().trim(), password: z.string(), next: z.string().optional() })
  .transform(({ login, password, next }): Given => ({
    credentials: login.includes("@") ? { email: login, password } : { username: login, password },
    next: nextPage(next),
  }));

export const POST = formRoute({
  does: createSession,
  page: "/sign-in",
  schema: form.pipe(z.object({ credentials, next: z.string().nullable() })),
  kept: ["login"],
  inAddress: "next",
  async submit({ input: { credentials: given, next }, request }) {
    const { cookies } = await signIn(given, request.headers);
    if (next) cookies.set("Location", next);
    return cookies;
  },
});
