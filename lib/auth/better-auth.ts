import { prismaAdapter } from "better-auth/adapters/prisma";
import { betterAuth } from "better-auth/minimal";
import { database } from "#lib/db/client.ts";
import { env, isHttps, requireSecret } from "#lib/env.ts";
import { log } from "#lib/log.ts";
import { passwordLength } from "./schema.ts";
import { sessionEndpoints } from "./session-endpoints.ts";

// Next may load this module more than once in one process; one instance is enough.
const shared = globalThis as { guidepostAuth?: ReturnType<typeof make> };

/**
 * better-auth of this process: hashing of passwords, sessions and their cookie. Who may sign up, and tokens, are ours. Its own
 * addresses are not served: they know neither our transactions, nor what is counted, nor the audit trail.
 */
export const auth = (): ReturnType<typeof make> => (shared.guidepostAuth ??= make());

const SESSION_SECONDS = 30 * 86_400; // from signing in; never prolonged, so that reading writes nothing

function make() {
  return betterAuth({
    appName: "Guidepost",
    baseURL: env().publicUrl,
    secret: requireSecret(),
    database: prismaAdapter(database(), { provider: "postgresql" }),
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: passwordLength.min,
      maxPasswordLength: passwordLength.max,
    }, // scrypt, N = 2^14, r = 16
    session: { expiresIn: SESSION_SECONDS, disableSessionRefresh: true },
    // Secure, and named __Secure-…, exactly when the hub is reached by https.
    advanced: {
      cookiePrefix: "guidepost",
      useSecureCookies: isHttps(),
      ipAddress: { disableIpTracking: true },
    },
    telemetry: { enabled: false },
    logger: {
      level: "error",
      log: (level, message, ...cause) => log()[level]({ event: "auth", err: cause[0] }, message),
    },
    plugins: [sessionEndpoints],
  });
}
