import { must } from "../support/hub-member.ts";
import { hostileMarkdown, hostileYaml } from "../support/hostile-markdown.ts";
import { beside, percentile } from "./beside.ts";
import type { Figure, Gate } from "./gate.ts";

const texts = hostileMarkdown(4000, 0);
const longer = hostileMarkdown(100_000, 0);
const yaml = hostileYaml(60_000);
const hostile: Readonly<Record<string, string>> = {
  "a table of short rows": texts.get("a table of short rows")!,
  "a wide table": texts.get("a wide table")!,
  stars: texts.get('"*a " again and again')!,
  dashes: texts.get('"- " again and again')!,
  numbers: texts.get('"1. " again and again')!,
  quotes: texts.get('"> " again and again')!,
  addresses: texts.get('"www.a_" again and again')!,
  "pictures in pictures": texts.get('"![a" in itself')!,
  "100 kB of numbers": longer.get('"1. " again and again')!,
  "a flow mapping as front matter": `---\n${yaml.get("a flow mapping")!}\n---\nHi`,
};

const worst = new Set(["a table of short rows", "numbers", "a flow mapping as front matter"]);

/** A card is a stranger's text: it is read once, beside the web process, and costs a page nothing however it is written. */
export const cards: Gate = {
  about: "cards that are slow or large to lay out, committed and looked at in a loop",
  run: async (stage, length) => {
    const { hub, eve } = stage;
    const figures: Figure[] = [];
    let count = 0;
    const tried = Object.entries(hostile).filter(([name]) => length === "full" || worst.has(name));
    for (const [name, card] of tried) {
      const repo = await eve.newRepo(`card-${(count += 1)}`, { visibility: "public" });
      const commit = async (): Promise<void> => {
        const content = `${card}\n\n${(count += 1)}`; // another text each time, so that it is read anew
        must(201, await eve.commit(repo, [{ op: "add", path: "README.md", content }]));
      };
      await commit();
      const waits: number[] = [];
      const look = async (): Promise<void> => {
        const began = performance.now();
        const answer = await fetch(`${hub.url}/${repo}`);
        if (answer.status !== 200) throw new Error(`${name}: ${answer.status}`);
        await answer.arrayBuffer();
        waits.push(performance.now() - began);
      };
      figures.push(
        ...(await beside(name, stage, ["/", "/browse"], length, async () => {
          await Promise.all([commit(), look(), look()]);
        })),
        { what: `${name}: its page, p99`, value: percentile(waits, 0.99), unit: "ms", atMost: 1000 },
      );
    }
    return figures;
  },
};
