import { z } from "zod";
import { signIn } from "#lib/auth/sign-in.ts";
import { credentials } from "#lib/catalog/namespaces/schema.ts";
import { formRoute } from "#lib/http/form.ts";

/** No username holds an «@». */
const form = z.object({ login: z.string().trim(), password: z.string() }).transform(({ login, password }): z.input<typeof credentials> => (login.includes("@") ? { email: login, password } : { username: login, password }));

export const POST = formRoute({
  page: "/sign-in",
  schema: form.pipe(credentials),
  kept: ["login"],
  submit: async (given, request) => (await signIn(given, request.headers)).cookies,
});
