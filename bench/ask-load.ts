import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Load, LoadResult } from "./load-child.ts";

/** Has the process of load-child.ts make load, and waits for what came of it. */
export async function askLoad(child: ChildProcess, load: Load): Promise<LoadResult> {
  child.send(load);
  const [result] = (await once(child, "message")) as [LoadResult];
  return result;
}
