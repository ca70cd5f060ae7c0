import { Agent } from "node:http";
import { chance } from "./chance.ts";
import type { Sound } from "./from-schema.ts";
import { hostileRequest, type Sender, type WireRequest } from "./requests.ts";
import { send } from "./send.ts";
import type { Target } from "./targets.ts";

export interface Fuzz {
  readonly url: string;
  readonly targets: readonly Target[];
  readonly senders: readonly Sender[];
  readonly sound: Sound;
  readonly seed: number;
  readonly count: number;
}

export interface Fuzzed {
  readonly byStatus: Readonly<Record<string, number>>;
  /** Addresses of the hub that gave another answer than that they are not there, or not so asked. */
  readonly reached: number;
  /** What must not have been: an answer of 500 or more, but that a part of the hub is away or full; or none. */
  readonly faults: readonly string[];
}

const AT_ONCE = 8;
/** “Not implemented”, and that a part is away or full for the moment: they say so themselves. */
const stated = new Set([501, 503]);

/** Sends hostile requests to a hub, the same for the same seed. */
export async function fuzz({ url, targets, senders, sound, seed, count }: Fuzz): Promise<Fuzzed> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const byStatus: Record<string, number> = {};
  const reached = new Set<string>();
  const faults: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      // Each has a seed of its own, so that one alone can be sent again.
      const one = chance(seed * 1_000_003 + index);
      const target = targets[index % targets.length]!;
      const request = hostileRequest(target, one.of(senders), sound, one);
      const answer = await send(url, request, agent).catch((cause: Error) => cause);
      const status =
        answer instanceof Error ? ((answer as NodeJS.ErrnoException).code ?? answer.message) : answer.status;
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      if (answer instanceof Error) faults.push(`#${index} ${show(request)}: ${answer.message}`);
      else if (answer.status >= 500 && !stated.has(answer.status))
        faults.push(`#${index} ${show(request)}: ${answer.status} ${answer.text.slice(0, 300)}`);
      else if (answer.status !== 404 && answer.status !== 405) reached.add(`${target.method} ${target.path}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  agent.destroy();
  return { byStatus, reached: reached.size, faults };
}

function show({ method, path, headers, body }: WireRequest): string {
  const { cookie, authorization, ...rest } = headers;
  const sender = authorization ? "token" : cookie ? "session" : "nobody";
  return `${method} ${short(path)} ${short(JSON.stringify(rest))} by ${sender} ${short(body?.toString() ?? "")}`;
}

const short = (text: string): string => (text.length <= 300 ? text : `${text.slice(0, 300)}… (${text.length})`);
