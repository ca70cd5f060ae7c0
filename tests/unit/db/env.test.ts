import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readEnv } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";

const s3 = {
  S3_ENDPOINT: "https://s3.example.org",
  S3_BUCKET: "guides",
  S3_REGION: "eu-central-1",
  S3_ACCESS_KEY_ID: "id",
  S3_SECRET_ACCESS_KEY: "very secret",
};

test("with nothing set a hub runs by itself on port 3000", () => {
  expect(readEnv({})).toEqual({
    port: 3000,
    host: "127.0.0.1",
    publicUrl: "http://localhost:3000",
    dataFolder: resolve("data"),
    secret: null,
    signup: "invited",
    answers: "signed-in",
    distil: "signed-in",
    starter: "load",
    uploadSeconds: 7 * 86_400,
    graceSeconds: 3 * 86_400,
    periodSeconds: 7 * 86_400,
    rerunSeconds: 7200,
    places: 3,
    quotas: { bytes: 200e9, files: 100_000, repos: 1000, jobs: 8, deviceSeconds: 28_800 },
    threads: availableParallelism(),
    provider: "auto",
    memory: null,
    workerBytes: 5e9,
    cacheBytes: 50e9,
    keptBytes: 10e9,
    trustedProxies: [],
    failpoint: null,
    logLevel: "info",
    databaseUrl: null,
    databaseDirectUrl: null,
    connections: 10,
    s3: null,
  });
});

test("an empty variable is one that is not set", () => {
  const names = [
    "PORT",
    "GUIDEPOST_URL",
    "GUIDEPOST_DATA",
    "GUIDEPOST_SECRET",
    "GUIDEPOST_WORKER_BYTES",
    "LOG_LEVEL",
    "GUIDEPOST_QUOTA_BYTES",
    "GUIDEPOST_QUOTA_FILES",
    "GUIDEPOST_QUOTA_REPOS",
    "GUIDEPOST_QUOTA_JOBS",
    "GUIDEPOST_QUOTA_DEVICE_TIME",
    "DATABASE_URL",
    "GUIDEPOST_HOST",
    "GUIDEPOST_SIGNUP",
    "GUIDEPOST_ANSWERS",
    "GUIDEPOST_DISTILL",
    "GUIDEPOST_STARTER",
    "GUIDEPOST_UPLOAD_TIME",
    "GUIDEPOST_PERIOD",
    "GUIDEPOST_RERUN_TIME",
    "GUIDEPOST_GRACE",
    "GUIDEPOST_THREADS",
    "GUIDEPOST_CACHE_BYTES",
    "GUIDEPOST_KEPT_BYTES",
    "GUIDEPOST_FAILPOINT",
    "GUIDEPOST_PROVIDER",
    "GUIDEPOST_MEMORY",
    "GUIDEPOST_CONNECTIONS",
    "DATABASE_DIRECT_URL",
    ...Object.keys(s3),
  ];
  expect(readEnv(Object.fromEntries(names.map((name) => [name, ""])))).toEqual(readEnv({}));
});

test("every variable is read", () => {
  const rest = {
    GUIDEPOST_HOST: "0.0.0.0",
    GUIDEPOST_SIGNUP: "open",
    GUIDEPOST_ANSWERS: "anybody",
    GUIDEPOST_DISTILL: "operators",
    GUIDEPOST_STARTER: "none",
    GUIDEPOST_UPLOAD_TIME: "12h",
    GUIDEPOST_GRACE: "90 min",
    GUIDEPOST_PERIOD: "1d",
    GUIDEPOST_RERUN_TIME: "none",
    GUIDEPOST_THREADS: "3",
    GUIDEPOST_CACHE_BYTES: "1GB",
    GUIDEPOST_KEPT_BYTES: "2GB",
    GUIDEPOST_PROVIDER: "cuda",
    GUIDEPOST_MEMORY: "16GB",
    GUIDEPOST_TRUSTED_PROXIES: "10.0.3.7, fd00::/8,loopback",
    GUIDEPOST_FAILPOINT: "upload.part:2",
    GUIDEPOST_PLACES: "5",
    GUIDEPOST_QUOTA_BYTES: "1.5GB",
    GUIDEPOST_QUOTA_FILES: "7",
    GUIDEPOST_QUOTA_REPOS: "none",
    GUIDEPOST_QUOTA_JOBS: "0",
    GUIDEPOST_QUOTA_DEVICE_TIME: "30min",
    GUIDEPOST_CONNECTIONS: "25",
    DATABASE_DIRECT_URL: "postgres://u:p@h:5432/d",
  };
  const read = readEnv({
    PORT: "8080",
    GUIDEPOST_URL: "https://guides.example.org/",
    GUIDEPOST_DATA: "/srv/guidepost",
    GUIDEPOST_SECRET: "x".repeat(32),
    GUIDEPOST_WORKER_BYTES: "12.5 GB",
    LOG_LEVEL: "debug",
    DATABASE_URL: "postgres://u:p@h:5433/d?sslmode=require",
    ...rest,
    ...s3,
  });
  expect(read).toEqual({
    port: 8080,
    host: "0.0.0.0",
    publicUrl: "https://guides.example.org",
    dataFolder: "/srv/guidepost",
    secret: "x".repeat(32),
    signup: "open",
    answers: "anybody",
    distil: "operators",
    starter: "none",
    uploadSeconds: 43_200,
    graceSeconds: 5400,
    periodSeconds: 86_400,
    rerunSeconds: null,
    places: 5,
    quotas: { bytes: 1.5e9, files: 7, repos: null, jobs: 0, deviceSeconds: 1800 },
    threads: 3,
    provider: "cuda",
    memory: 16e9,
    workerBytes: 12.5e9,
    cacheBytes: 1e9,
    keptBytes: 2e9,
    trustedProxies: ["10.0.3.7", "fd00::/8", "loopback"],
    failpoint: "upload.part:2",
    logLevel: "debug",
    databaseUrl: "postgres://u:p@h:5433/d?sslmode=require",
    databaseDirectUrl: "postgres://u:p@h:5432/d",
    connections: 25,
    s3: {
      endpoint: "https://s3.example.org",
      bucket: "guides",
      region: "eu-central-1",
      accessKeyId: "id",
      secretAccessKey: "very secret",
    },
  });
  expect(readEnv({ PORT: "8080" }).publicUrl).toBe("http://localhost:8080");
  expect(readEnv({ GUIDEPOST_WORKER_BYTES: "800000000" }).workerBytes).toBe(8e8);
});

describe("a bad variable stops the start with its name", () => {
  const bad: readonly (readonly [name: string, value: string])[] = [
    ...["0", "65536", "80x", "-1", "3000.5", "1e3", " 80", "9".repeat(20)].map((value) => ["PORT", value] as const),
    ...[
      "guides.example.org",
      "ftp://guides.example.org",
      "https://guides.example.org/hub",
      "https://u:p@guides.example.org",
      "https://guides.example.org/?a",
    ].map((value) => ["GUIDEPOST_URL", value] as const),
    ["GUIDEPOST_SECRET", "short"],
    ...["all", "10.0.0.0/33", "proxy.example.org", "10.0.0", "*"].map(
      (value) => ["GUIDEPOST_TRUSTED_PROXIES", value] as const,
    ),
    ...["lots", "1", "99MB", "1TB", "-5GB", "9".repeat(17)].map((value) => ["GUIDEPOST_WORKER_BYTES", value] as const),
    ["LOG_LEVEL", "loud"],
    ["GUIDEPOST_QUOTA_BYTES", "much"],
    ["GUIDEPOST_QUOTA_FILES", "-1"],
    ["GUIDEPOST_QUOTA_DEVICE_TIME", "8"],
    ["GUIDEPOST_HOST", "here"],
    ["GUIDEPOST_SIGNUP", "yes"],
    ["GUIDEPOST_ANSWERS", "everyone"],
    ["GUIDEPOST_DISTILL", "everybody"],
    ["GUIDEPOST_STARTER", "some"],
    ...["7", "1w", "-1d", "1.5h"].flatMap((value) => [
      ["GUIDEPOST_UPLOAD_TIME", value] as const,
      ["GUIDEPOST_GRACE", value] as const,
    ]),
    ...["0", "1025", "two"].map((value) => ["GUIDEPOST_THREADS", value] as const),
    ["GUIDEPOST_CACHE_BYTES", "99MB"],
    ...["99MB", "all", "16"].map((value) => ["GUIDEPOST_MEMORY", value] as const),
    ...["gpu", "CUDA"].map((value) => ["GUIDEPOST_PROVIDER", value] as const),
    ...["mysql://h/d", "postgresql://h", "h:5432/d", "postgresql://h/"].map(
      (value) => ["DATABASE_URL", value] as const,
    ),
    ["DATABASE_DIRECT_URL", "mysql://h/d"],
    ...["0", "1", "1001", "many"].map((value) => ["GUIDEPOST_CONNECTIONS", value] as const),
    ["S3_ENDPOINT", "s3.example.org"],
    ["S3_BUCKET", "My Bucket"],
  ];
  for (const [name, value] of bad) {
    test(`${name}=${value}`, () => {
      expect(() => readEnv({ ...s3, [name]: value })).toThrow(
        new RegExp(`^${name} must be .*; correct it, or leave it out\\.$`),
      );
    });
  }
});

test("S3 settings come all or none, and those that miss are named", () => {
  for (const name of Object.keys(s3))
    expect(() => readEnv({ ...s3, [name]: undefined })).toThrow(new RegExp(`^${name} must be set too: `));
  expect(() => readEnv({ S3_BUCKET: "guides" })).toThrow(
    /^S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY must be set too/,
  );
});

test("the address past a pooler is set beside that of the pooler", () => {
  expect(() => readEnv({ DATABASE_DIRECT_URL: "postgres://u:p@h:5432/d" })).toThrow(/^DATABASE_URL must be set too: /);
});

test("a message never shows a value", () => {
  for (const [name, value] of [
    ["GUIDEPOST_SECRET", "my-little-secret"],
    ["DATABASE_URL", "mysql://u:my-little-secret@h/d"],
  ] as const) {
    const failure = catchError(() => readEnv({ [name]: value }));
    expect(JSON.stringify([failure.message, failure.detail, failure.cause ?? null])).not.toContain("my-little-secret");
  }
});

function catchError(run: () => unknown): AppError {
  try {
    run();
  } catch (cause) {
    if (cause instanceof AppError) return cause;
  }
  return expect.unreachable();
}
