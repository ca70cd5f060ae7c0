import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { prismaAdapter } from "better-auth/adapters/prisma";
import { getAuthTables } from "better-auth/db";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { openDatabase } from "#lib/db/client.ts";
import { createTempDatabase } from "../../support/temp-database.ts";

const temp = await createTempDatabase();
const database = openDatabase(temp.url);
const options = { emailAndPassword: { enabled: true }, plugins: [apiKey({ rateLimit: { enabled: false } })] };
const auth = betterAuth({
  ...options,
  database: prismaAdapter(database, { provider: "postgresql" }),
  secret: "a secret for this test, longer than 32",
  baseURL: "http://localhost:3000",
  telemetry: { enabled: false },
  logger: { disabled: true },
});

afterAll(async () => {
  await database.$disconnect();
  await temp.drop();
});

const toSnake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

test("every table and field that better-auth names is there, as required or not as it says", async () => {
  const client = new pg.Client({ connectionString: temp.url });
  await client.connect();
  const { rows } = await client.query<{ column: string; required: boolean }>(
    "SELECT table_name || '.' || column_name AS column, is_nullable = 'NO' AS required FROM information_schema.columns WHERE table_schema = 'public'",
  );
  await client.end();
  const present = new Map(rows.map(({ column, required }) => [column, required]));
  const tables = Object.values(getAuthTables(options));
  expect(tables.map((table) => table.modelName).toSorted()).toEqual([
    "account",
    "apikey",
    "session",
    "user",
    "verification",
  ]);
  for (const table of tables)
    for (const [field, { required }] of Object.entries(table.fields)) {
      const column = `${table.modelName === "user" ? "app_user" : table.modelName}.${toSnake(field)}`;
      expect([column, present.get(column)]).toEqual([column, required]);
    }
});

test("a person signs up, signs in, makes a token and uses it", async () => {
  const body = { name: "Ann", email: "Ann@Example.org", password: "correct horse battery" };
  const { user } = await auth.api.signUpEmail({ body });
  expect(await database.user.findUnique({ where: { id: user.id }, select: { email: true } })).toEqual({
    email: "ann@example.org",
  });
  const { token } = await auth.api.signInEmail({ body });
  expect(await database.session.findUnique({ where: { token }, select: { userId: true } })).toEqual({
    userId: user.id,
  });
  await expect(auth.api.signInEmail({ body: { ...body, password: "wrong horse" } })).rejects.toThrow();

  const made = await auth.api.createApiKey({
    body: { userId: user.id, name: "laptop", permissions: { repo: ["write"] } },
  });
  expect(await auth.api.verifyApiKey({ body: { key: made.key, permissions: { repo: ["write"] } } })).toMatchObject({
    valid: true,
  });
  expect(await auth.api.verifyApiKey({ body: { key: made.key, permissions: { repo: ["admin"] } } })).toMatchObject({
    valid: false,
  });
  const { key } = await database.apikey.findUniqueOrThrow({ where: { id: made.id } });
  expect(key).not.toContain(made.key); // only its hash is kept

  await database.user.delete({ where: { id: user.id } });
  expect(await Promise.all([database.session.count(), database.account.count(), database.apikey.count()])).toEqual([
    0, 0, 0,
  ]);
});
