import { rename, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";
import { chance } from "../support/fuzz/chance.ts";
import type { Sound } from "../support/fuzz/from-schema.ts";
import { soundRequest, type Sender } from "../support/fuzz/requests.ts";
import { send } from "../support/fuzz/send.ts";
import { soundValues } from "../support/fuzz/sound-values.ts";
import { type OpenApi, type Target, targetsOf } from "../support/fuzz/targets.ts";
import type { Gate, GateStage } from "./gate.ts";

/** How often each address is asked, each time for something else that is there. */
const ROUNDS = { short: 1, full: 6 } as const;

/** What runs where is for whoever runs it: nobody else is told, and least of all while something fails. */
export const leaks: Gate = {
  about: "names of machines and folders in what anybody may read, while all is well and while the store is broken",
  variables: { GUIDEPOST_STARTER: "load" }, // so that there is something to ask for
  run: async (stage, length) => {
    const { hub, ben, eve, folder } = stage;
    const document = (await (await fetch(`${hub.url}/api/v1/openapi.json`)).json()) as OpenApi;
    const targets = targetsOf(document).filter(({ method }) => method === "GET");
    const sound = await soundValues(eve);
    const senders = [{}, ben.authorization, ben.browserHeaders];
    const crawl = (): Promise<Crawled> => crawlAll(stage, targets, senders, sound, ROUNDS[length]);
    const well = await crawl();
    const objects = join(folder, "objects");
    await rename(objects, `${objects}-away`);
    await writeFile(objects, "a file where a folder must be");
    const broken = await crawl().finally(async () => {
      await rm(objects);
      await rename(`${objects}-away`, objects);
    });
    for (const leak of [...well.leaks, ...broken.leaks].slice(0, 20)) console.error(leak);
    return [
      { what: "answers, while all is well", value: well.answers, unit: "", atLeast: targets.length },
      { what: "with a name of the inside", value: well.leaks.length, unit: "", atMost: 0 },
      { what: "answers, while the store is broken", value: broken.answers, unit: "", atLeast: targets.length },
      { what: "of them, that the store is away", value: broken.away, unit: "", atLeast: 1 },
      { what: "with a name of the inside", value: broken.leaks.length, unit: "", atMost: 0 },
    ];
  },
};

interface Crawled {
  answers: number;
  away: number;
  readonly leaks: string[];
}

async function crawlAll(
  { hub, folder }: GateStage,
  targets: readonly Target[],
  senders: readonly Sender[],
  sound: Sound,
  rounds: number,
): Promise<Crawled> {
  const secrets = [folder, process.cwd(), ...(hostname() === "localhost" ? [] : [hostname()])];
  const agent = new Agent({ keepAlive: true });
  const crawled: Crawled = { answers: 0, away: 0, leaks: [] };
  for (let round = 0; round < rounds; round++)
    for (const [index, target] of targets.entries())
      for (const sender of senders) {
        const asked = soundRequest(target, sender, sound, chance(round * 1000 + index));
        const { status, headers, text } = await send(hub.url, asked, agent);
        crawled.answers++;
        if (status === 503) crawled.away++;
        const said = `${JSON.stringify(headers)}\n${text}`;
        for (const [secret, at] of secrets.map((each) => [each, placeOf(said, each)] as const))
          if (at >= 0) crawled.leaks.push(`${asked.path}: ${status} says ${secret}: …${around(said, at, secret)}…`);
      }
  agent.destroy();
  return crawled;
}

/** Where it stands by itself: a machine may be called “vm”, and a nonce has such letters by chance. @returns -1 where it does not */
function placeOf(text: string, word: string): number {
  const isLetter = (at: number): boolean => /[A-Za-z0-9+/=]/.test(text[at] ?? " ");
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
    if ((word.startsWith("/") || !isLetter(at - 1)) && (word.startsWith("/") || !isLetter(at + word.length))) return at;
  return -1;
}

function around(text: string, at: number, word: string): string {
  return text.slice(Math.max(0, at - 80), at + word.length + 80);
}
