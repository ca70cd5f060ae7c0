import type { BetterAuthPlugin } from "better-auth";
import { createAuthEndpoint } from "better-auth/api";
import { deleteSessionCookie, setSessionCookie } from "better-auth/cookies";
import { z } from "zod";

/**
 * What better-auth does inside its own endpoints, for ours: its cookie read, set and taken back. No address leads here. What the
 * database answers is passed on as it is; its own sign-out and get-session hide that the database was away.
 */
export const sessionEndpoints = {
  id: "guidepost-sessions",
  endpoints: {
    /** The token in the cookie, if we signed it. */
    readSession: createAuthEndpoint.serverOnly({ method: "GET", requireHeaders: true }, async (ctx) => {
      return (await ctx.getSignedCookie(ctx.context.authCookies.sessionToken.name, ctx.context.secret)) || null;
    }),
    /** @returns its token; null where the person is gone */
    openSession: createAuthEndpoint.serverOnly(
      { method: "POST", requireHeaders: true, body: z.object({ userId: z.string() }) },
      async (ctx) => {
        const user = await ctx.context.internalAdapter.findUserById(ctx.body.userId);
        const session = user && (await ctx.context.internalAdapter.createSession(user.id));
        if (session) await setSessionCookie(ctx, { session, user });
        return session?.token ?? null;
      },
    ),
    closeSession: createAuthEndpoint.serverOnly({ method: "POST", requireHeaders: true }, async (ctx) => {
      const token = await ctx.getSignedCookie(ctx.context.authCookies.sessionToken.name, ctx.context.secret);
      if (token) await ctx.context.internalAdapter.deleteSession(token);
      deleteSessionCookie(ctx);
    }),
  },
} satisfies BetterAuthPlugin;
