import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { AppError } from "#lib/errors.ts";

const venv = fileURLToPath(new URL("../out/conformance/venv", import.meta.url));
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));
const run = promisify(execFile);

/**
 * A Python with the libraries of `requirements.txt`: the one that CONFORMANCE_PYTHON names, or an environment of its own in
 * `bench/out`, made once from PyPI, some 6 GB with what torch brings.
 */
export async function preparePython(say: (text: string) => void): Promise<string> {
  const given = process.env["CONFORMANCE_PYTHON"];
  if (given) return given;
  const python = `${venv}/bin/python`;
  const stamp = `${venv}/requirements.txt`;
  const wanted = await readFile(requirements, "utf8");
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === wanted) return python;
  say(`Making a Python environment in ${venv} (once, minutes)…`);
  try {
    await run("python3", ["-m", "venv", "--clear", venv]);
    await run(python, ["-m", "pip", "install", "--quiet", "--requirement", requirements], { maxBuffer: 2 ** 26 });
  } catch (cause) {
    const sentence = "The Python environment could not be made; set CONFORMANCE_PYTHON to a Python 3.11 or newer";
    throw new AppError("bad_request", `${sentence} that has the packages of ${requirements}.`, {}, cause);
  }
  await writeFile(stamp, wanted);
  return python;
}

/** Of Python and of each library that is pinned, as it is installed. */
export async function versionsIn(python: string): Promise<Record<string, string>> {
  const names = (await readFile(requirements, "utf8")).split("\n").flatMap((line) => line.split("==")[0]!.trim() || []);
  const script =
    "import importlib.metadata as m, json, platform, sys\n" +
    "def version(name):\n try: return m.version(name)\n except m.PackageNotFoundError: return None\n" +
    "print(json.dumps({'python': platform.python_version(), **{n: version(n) for n in sys.argv[1:]}}))";
  const { stdout } = await run(python, ["-c", script, ...names]);
  const found: Record<string, string | null> = JSON.parse(stdout);
  return Object.fromEntries(Object.entries(found).flatMap(([name, version]) => (version ? [[name, version]] : [])));
}
