import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

/** Ships a Chromium for Linux inside the package; 67 MB, so it is fetched only where there is no other. */
const PACKAGE = "@sparticuz/chromium";
const VERSION = "153.0.0";
const folder = fileURLToPath(new URL("../../node_modules/.cache/chromium", import.meta.url));

const common = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** A browser without a window. It asks nobody for anything but the pages it is told to open. */
export async function openBrowser(): Promise<Browser> {
  const { path, args, env } = await findChromium();
  return chromium.launch({
    executablePath: path,
    env,
    args: [
      ...args,
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--force-color-profile=srgb",
    ],
  });
}

interface Found {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

/** GUIDEPOST_TEST_CHROMIUM, else the system's, else (or where that says npm) one out of an npm package. */
async function findChromium(): Promise<Found> {
  const given = process.env["GUIDEPOST_TEST_CHROMIUM"];
  const path = given === "npm" ? undefined : (given ?? common.find((each) => existsSync(each)));
  return path === undefined ? fromPackage() : { path, args: [], env: defined(process.env) };
}

async function fromPackage(): Promise<Found> {
  const main = join(folder, "node_modules", PACKAGE, "build/index.js");
  if (!existsSync(main))
    await promisify(execFile)(
      "npm",
      [
        "install",
        "--prefix",
        folder,
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        `${PACKAGE}@${VERSION}`,
      ],
      { shell: process.platform === "win32" },
    );
  const before = { ...process.env };
  try {
    process.env["AWS_LAMBDA_JS_RUNTIME"] = "nodejs24.x"; // else it leaves the libraries that it needs packed
    const { default: packed } = (await import(pathToFileURL(main).href)) as {
      default: { executablePath(): Promise<string>; readonly args: string[] };
    };
    return { path: await packed.executablePath(), args: packed.args, env: defined(process.env) };
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]; // its libraries are for nobody else
    Object.assign(process.env, before);
  }
}

const defined = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
