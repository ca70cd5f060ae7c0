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

const common = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable", "/snap/bin/chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

/** A browser without a window. It asks nobody for anything but the pages it is told to open. */
export async function openBrowser(): Promise<Browser> {
  const { path, args } = await findChromium();
  return chromium.launch({ executablePath: path, args: [...args, "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-color-profile=srgb"] });
}

/** GUIDEPOST_TEST_CHROMIUM, else the system's, else one out of an npm package. */
async function findChromium(): Promise<{ readonly path: string; readonly args: readonly string[] }> {
  const given = process.env["GUIDEPOST_TEST_CHROMIUM"];
  const path = given === "npm" ? undefined : (given ?? common.find((each) => existsSync(each)));
  return path === undefined ? fromPackage() : { path, args: [] };
}

async function fromPackage(): Promise<{ readonly path: string; readonly args: readonly string[] }> {
  const main = join(folder, "node_modules", PACKAGE, "build/esm/index.js");
  if (!existsSync(main)) await promisify(execFile)("npm", ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", `${PACKAGE}@${VERSION}`], { shell: process.platform === "win32" });
  const { default: packed } = (await import(pathToFileURL(main).href)) as { default: { executablePath(): Promise<string>; readonly args: string[] } };
  return { path: await packed.executablePath(), args: packed.args };
}
