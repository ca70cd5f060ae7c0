import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { compile } from "proxy-addr";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";

/** What the operator of a hub may set. Nothing else reads process.env. */
export interface Env {
  /** PORT: where the web server listens. */
  readonly port: number;
  /** GUIDEPOST_HOST: the address of this machine that it listens on; 0.0.0.0 is all of them. */
  readonly host: string;
  /** GUIDEPOST_URL: the address that people and clients use, without a slash at the end. All links are made from it. */
  readonly publicUrl: string;
  /** GUIDEPOST_DATA: absolute; the embedded database, the blobs of the disk store, caches. Everything a backup must hold. */
  readonly dataFolder: string;
  /** GUIDEPOST_SECRET: signs sessions and download links. Without it `npm start` makes one and keeps it in the data folder. */
  readonly secret: string | null;
  /** GUIDEPOST_SIGNUP: `invited`: only with an invitation link of an operator; `open`: anyone who can reach the hub. */
  readonly signup: "invited" | "open";
  /** GUIDEPOST_ANSWERS: who is asked “Can you tell?”: people who are `signed-in`, or `anybody`, once for each address and prompt. */
  readonly answers: "signed-in" | "anybody";
  /** GUIDEPOST_DISTILL: who may make guides on this hub: `nobody`, `operators`, or everybody who is `signed-in`. */
  readonly distil: "nobody" | "operators" | "signed-in";
  /** GUIDEPOST_STARTER: whether a new hub loads the starter collection: `load` or `none`. */
  readonly starter: "load" | "none";
  /** GUIDEPOST_UPLOAD_TIME: in seconds; an upload that was not finished by then is swept away. */
  readonly uploadSeconds: number;
  /** GUIDEPOST_GRACE: in seconds; how long bytes that nothing names any more are kept. Longer than any transfer takes. */
  readonly graceSeconds: number;
  /** GUIDEPOST_PERIOD: in seconds; how long one secret decides what is drawn when pairs are measured. It is told when that is over. */
  readonly periodSeconds: number;
  /** GUIDEPOST_RERUN_TIME: in seconds of work a day; what the hub measures anew by itself where evidence has become old. Null: all that is old. */
  readonly rerunSeconds: number | null;
  /** GUIDEPOST_QUOTA_BYTES, _FILES, _REPOS, _JOBS, _DEVICE_TIME: what each person and organisation may have; null: as much as there is. */
  readonly quotas: {
    readonly bytes: number | null;
    readonly files: number | null;
    readonly repos: number | null;
    readonly jobs: number | null;
    readonly deviceSeconds: number | null;
  };
  /** GUIDEPOST_THREADS: processor threads of each process that runs networks. */
  readonly threads: number;
  /** GUIDEPOST_PROVIDER: what networks run on; `auto` is the first that works of cuda, webgpu and cpu. */
  readonly provider: "auto" | "cuda" | "webgpu" | "cpu";
  /** GUIDEPOST_MEMORY: how many bytes the networks of one worker, or of one command, may take together; null: what the machine has, less a reserve. */
  readonly memory: number | null;
  /** GUIDEPOST_WORKER_BYTES: how many bytes of models a worker keeps loaded; the least recently used goes first. */
  readonly workerBytes: number;
  /** GUIDEPOST_PLACES: how many jobs that run networks a worker does at a time. */
  readonly places: number;
  /** GUIDEPOST_KEPT_BYTES: how many bytes of what models draw by themselves in measurements lie in the store, for their next guides. */
  readonly keptBytes: number;
  /** GUIDEPOST_CACHE_BYTES: how many bytes of files a worker keeps on its disk when the store is S3; the least recently used goes first. */
  readonly cacheBytes: number;
  /**
   * GUIDEPOST_TRUSTED_PROXIES: addresses and networks of proxies whose word for where a request came from counts; none where nothing
   * is said.
   */
  readonly trustedProxies: readonly string[];
  /** GUIDEPOST_FAILPOINT: for the crash tests only; the step after which this process kills itself. */
  readonly failpoint: string | null;
  /** LOG_LEVEL: the least that is written. */
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** DATABASE_URL: a PostgreSQL of your own, version 15 or later. Without it `npm start` runs the embedded one. */
  readonly databaseUrl: string | null;
  /** DATABASE_DIRECT_URL: the same database past a pooler, which DATABASE_URL then is; null: DATABASE_URL is the database itself. */
  readonly databaseDirectUrl: string | null;
  /** GUIDEPOST_CONNECTIONS: how many questions a process asks its database at once. */
  readonly connections: number;
  /** S3_ENDPOINT, S3_BUCKET, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: where bytes go. Without them, into the data folder. */
  readonly s3: S3Settings | null;
}

export interface S3Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

let known: Env | undefined;

/** The variables of this process, read once. The first call is the start's: a bad one stops it with its name. */
export function env(): Env {
  return (known ??= readEnv(process.env));
}

/** Whether people reach this hub over HTTPS: its cookies are for nothing else then. */
export const isHttps = (): boolean => env().publicUrl.startsWith("https:");

/** Signs sessions and links, and hashes what must not be read back. @throws internal, where none is set */
export function requireSecret(): string {
  const { secret } = env();
  if (secret) return secret;
  throw new AppError("internal", "GUIDEPOST_SECRET is not set; start with npm start, which makes one and sets it.");
}

const harmless = [
  "PATH",
  "LD_LIBRARY_PATH",
  "CUDA_VISIBLE_DEVICES",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
  "LANG",
  "LC_ALL",
  "TZ",
  "NODE_COMPILE_CACHE",
];

/** What a child that reads strangers' files may know of our variables: where programs, libraries and what Node compiled are, and no secret. */
export const harmlessVariables = (): NodeJS.ProcessEnv =>
  toVariables(
    Object.fromEntries(
      harmless.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    ),
  );

/** The variables of a process, in the type that Node asks for: Next's types want NODE_ENV to be in every one of them. */
export const toVariables = (variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv =>
  variables as NodeJS.ProcessEnv;

/** All variables of this process, for a process of ours that it starts. */
export const ownVariables = (): NodeJS.ProcessEnv => ({ ...process.env });

export function readEnv(source: Readonly<Record<string, string | undefined>>): Env {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== "")); // VAR= means not set
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]!.path[0]) as keyof typeof variables.shape;
    throw new AppError(
      "bad_request",
      `${name} must be ${variables.shape[name].description}; correct it, or leave it out.`,
      { name },
    );
  }
  const read = parsed.data;
  return {
    port: read.PORT,
    host: read.GUIDEPOST_HOST,
    publicUrl: new URL(read.GUIDEPOST_URL ?? `http://localhost:${read.PORT}`).origin,
    dataFolder: resolve(read.GUIDEPOST_DATA),
    secret: read.GUIDEPOST_SECRET ?? null,
    signup: read.GUIDEPOST_SIGNUP,
    answers: read.GUIDEPOST_ANSWERS,
    distil: read.GUIDEPOST_DISTILL,
    starter: read.GUIDEPOST_STARTER,
    uploadSeconds: read.GUIDEPOST_UPLOAD_TIME,
    graceSeconds: read.GUIDEPOST_GRACE,
    rerunSeconds: read.GUIDEPOST_RERUN_TIME,
    periodSeconds: read.GUIDEPOST_PERIOD,
    quotas: {
      bytes: read.GUIDEPOST_QUOTA_BYTES,
      files: read.GUIDEPOST_QUOTA_FILES,
      repos: read.GUIDEPOST_QUOTA_REPOS,
      jobs: read.GUIDEPOST_QUOTA_JOBS,
      deviceSeconds: read.GUIDEPOST_QUOTA_DEVICE_TIME,
    },
    threads: read.GUIDEPOST_THREADS ?? availableParallelism(),
    provider: read.GUIDEPOST_PROVIDER,
    memory: read.GUIDEPOST_MEMORY ?? null,
    workerBytes: read.GUIDEPOST_WORKER_BYTES,
    places: read.GUIDEPOST_PLACES,
    keptBytes: read.GUIDEPOST_KEPT_BYTES,
    cacheBytes: read.GUIDEPOST_CACHE_BYTES,
    trustedProxies: read.GUIDEPOST_TRUSTED_PROXIES,
    failpoint: read.GUIDEPOST_FAILPOINT ?? null,
    logLevel: read.LOG_LEVEL,
    databaseUrl: read.DATABASE_URL ?? null,
    databaseDirectUrl: readDirectUrl(read),
    connections: read.GUIDEPOST_CONNECTIONS,
    s3: readS3(read),
  };
}

const units = { MB: 1e6, GB: 1e9 } as const;
const wholeNumber = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number);
const size = z
  .string()
  .regex(/^\d+(\.\d+)? ?(MB|GB)$/)
  .transform((text) => Math.round(Number.parseFloat(text) * units[text.slice(-2) as keyof typeof units]));
const secondsIn = { s: 1, min: 60, h: 3600, d: 86_400 } as const;
const duration = z
  .string()
  .regex(/^\d{1,9} ?(s|min|h|d)$/)
  .transform((text) => {
    const [, count, unit] = /^(\d+) ?([a-z]+)$/.exec(text) as unknown as [string, string, keyof typeof secondsIn];
    return Number(count) * secondsIn[unit];
  });
const address = (isFit: (url: URL) => boolean) =>
  z.string().refine((text) => {
    const url = URL.parse(text);
    return url !== null && isFit(url);
  });
const databaseAddress = address((url) => /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1);
const isWeb = (url: URL): boolean => url.protocol === "https:" || url.protocol === "http:";

/** “none” is no limit. */
const orNone = (schema: z.ZodType<number, string>) => z.union([z.literal("none").transform(() => null), schema]);
const quota = orNone(wholeNumber.pipe(z.number().max(2 ** 31 - 1)));

function areNetworks(list: string[]): boolean {
  try {
    compile(list);
    return true;
  } catch {
    return false;
  }
}

/** `describe` completes the sentence “NAME must be …”. */
const variables = z.object({
  PORT: wholeNumber.pipe(z.number().min(1).max(65_535)).default(3000).describe("a port number from 1 to 65535"),
  GUIDEPOST_HOST: z
    .union([z.ipv4(), z.ipv6(), z.literal("localhost")])
    .default("127.0.0.1")
    .describe("an address of this machine, like 127.0.0.1 or 0.0.0.0"),
  GUIDEPOST_URL: address((url) => isWeb(url) && url.href === `${url.origin}/`)
    .optional()
    .describe("an address without a path, like https://guides.example.org"),
  GUIDEPOST_DATA: z.string().default("data").describe("the path of a folder"),
  GUIDEPOST_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe("at least 32 characters long (`openssl rand -hex 32` makes 64)"),
  GUIDEPOST_SIGNUP: z.enum(["invited", "open"]).default("invited").describe("invited or open"),
  GUIDEPOST_ANSWERS: z.enum(["signed-in", "anybody"]).default("signed-in").describe("signed-in or anybody"),
  GUIDEPOST_DISTILL: z
    .enum(["nobody", "operators", "signed-in"])
    .default("signed-in")
    .describe("nobody, operators or signed-in"),
  GUIDEPOST_STARTER: z.enum(["load", "none"]).default("load").describe("load or none"),
  GUIDEPOST_UPLOAD_TIME: duration.default(7 * 86_400).describe("a time like 7d, 12h or 30min"),
  GUIDEPOST_GRACE: duration.default(3 * 86_400).describe("a time like 3d, 12h or 30min"),
  GUIDEPOST_PERIOD: duration
    .pipe(
      z
        .number()
        .min(60)
        .max(400 * 86_400),
    )
    .default(7 * 86_400)
    .describe("a time from 1min to 400d, like 7d"),
  GUIDEPOST_RERUN_TIME: orNone(duration)
    .default(2 * 3600)
    .describe("a time like 2h or 0s, or none for no limit"),
  GUIDEPOST_QUOTA_BYTES: orNone(z.union([wholeNumber, size]).pipe(z.number().max(Number.MAX_SAFE_INTEGER)))
    .default(200e9)
    .describe("a size like 200GB, or none"),
  GUIDEPOST_QUOTA_FILES: quota.default(100_000).describe("a number like 100000, or none"),
  GUIDEPOST_QUOTA_REPOS: quota.default(1000).describe("a number like 1000, or none"),
  GUIDEPOST_QUOTA_JOBS: quota.default(8).describe("a number like 8, or none"),
  GUIDEPOST_QUOTA_DEVICE_TIME: orNone(duration)
    .default(8 * 3600)
    .describe("a time like 8h or 30min, or none"),
  GUIDEPOST_THREADS: wholeNumber.pipe(z.number().min(1).max(1024)).optional().describe("a number from 1 to 1024"),
  GUIDEPOST_PROVIDER: z.enum(["auto", "cuda", "webgpu", "cpu"]).default("auto").describe("auto, cuda, webgpu or cpu"),
  GUIDEPOST_MEMORY: z
    .union([wholeNumber, size])
    .pipe(z.number().min(100e6).max(Number.MAX_SAFE_INTEGER))
    .optional()
    .describe("a size of at least 100 MB, like 16GB"),
  GUIDEPOST_PLACES: wholeNumber.pipe(z.number().min(1).max(64)).default(3).describe("a number from 1 to 64"),
  GUIDEPOST_CACHE_BYTES: z
    .union([wholeNumber, size])
    .pipe(z.number().min(100e6).max(Number.MAX_SAFE_INTEGER))
    .default(50e9)
    .describe("a size of at least 100 MB, like 50GB"),
  GUIDEPOST_KEPT_BYTES: z
    .union([wholeNumber, size])
    .pipe(z.number().min(0).max(Number.MAX_SAFE_INTEGER))
    .default(10e9)
    .describe("a size like 10GB, or 0 for nothing"),
  GUIDEPOST_TRUSTED_PROXIES: z
    .string()
    .default("")
    .transform((text) => text.split(",").flatMap((part) => part.trim() || []))
    .refine(areNetworks)
    .describe("addresses or networks with commas between them, like 10.0.3.7, 192.168.0.0/16 or loopback"),
  GUIDEPOST_FAILPOINT: z.string().optional().describe("a step, like upload.part:2"),
  // The parts of one SD 1.5 in half precision are 2.1 GB, a guide 20 MB: one base and one fine-tune stay loaded.
  GUIDEPOST_WORKER_BYTES: z
    .union([wholeNumber, size])
    .pipe(z.number().min(100e6).max(Number.MAX_SAFE_INTEGER))
    .default(5e9)
    .describe("a size of at least 100 MB, like 8GB or 8000000000"),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info").describe("debug, info, warn or error"),
  DATABASE_URL: databaseAddress.optional().describe("like postgresql://user:password@host:5432/database"),
  DATABASE_DIRECT_URL: databaseAddress.optional().describe("like postgresql://user:password@host:5432/database"),
  GUIDEPOST_CONNECTIONS: wholeNumber
    .pipe(z.number().min(2).max(1000))
    .default(10) // of the 100 that PostgreSQL gives: room for a web process and several workers
    .describe("a number from 2 to 1000"),
  S3_ENDPOINT: address(isWeb)
    .optional()
    .describe("the address of an S3 server, like https://s3.eu-central-1.amazonaws.com"),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
    .optional()
    .describe("the name of a bucket: 3 to 63 small letters, digits, dots and hyphens"),
  S3_REGION: z.string().optional().describe("a region like eu-central-1"),
  S3_ACCESS_KEY_ID: z.string().optional().describe("the id of an access key"),
  S3_SECRET_ACCESS_KEY: z.string().optional().describe("the secret of an access key"),
});

function readDirectUrl({ DATABASE_URL: url, DATABASE_DIRECT_URL: direct }: z.output<typeof variables>): string | null {
  if (direct !== undefined && url === undefined)
    throw new AppError(
      "bad_request",
      "DATABASE_URL must be set too: it is the address of the pooler, DATABASE_DIRECT_URL that of the database behind it; set both, or leave both out.",
      { name: "DATABASE_URL" },
    );
  return direct ?? null;
}

function readS3(read: z.output<typeof variables>): S3Settings | null {
  const {
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_REGION: region,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  } = read;
  if (endpoint && bucket && region && accessKeyId && secretAccessKey)
    return { endpoint, bucket, region, accessKeyId, secretAccessKey };
  const names = Object.keys(variables.shape).filter((name) => name.startsWith("S3_")) as (keyof typeof read)[];
  const missing = names.filter((name) => read[name] === undefined);
  if (missing.length === names.length) return null;
  throw new AppError(
    "bad_request",
    `${missing.join(", ")} must be set too: ${names.join(", ")} come together; set all, or leave all out.`,
    { name: missing[0] },
  );
}
