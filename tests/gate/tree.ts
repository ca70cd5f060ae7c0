import { must } from "../support/hub-member.ts";
import { beside } from "./beside.ts";
import type { Figure, Gate, GateStage } from "./gate.ts";

const AT_ONCE = 20;
const FILES: Readonly<Record<"short" | "full", number>> = { short: 1_000, full: 9_990 };

/** Whatever is in a repo, and however often somebody asks for it, others do not feel it. */
export const tree: Gate = {
  about: "2,970 files 500 folders deep, and ten thousand files in one folder, listed and committed to again and again",
  run: async (stage, length) => {
    const { eve, hub } = stage;
    await newRepo(stage, "deep");
    await newRepo(stage, "flat");
    const figures: Figure[] = [];

    const deep = { title: "Deep", operations: Array.from({ length: 990 }, (_, i) => deepFile(i)) };
    figures.push(
      {
        what: "500 folders deep: refused",
        value: (await eve.ask("POST", "/repos/eve/deep/commits", deep)).status,
        unit: "",
        atMost: 400,
        atLeast: 400,
      },
      ...(await beside("500 folders deep", stage, PATHS, length, () =>
        eve.ask("POST", "/repos/eve/deep/commits", deep),
      )),
    );

    must(
      201,
      await eve.ask("POST", "/repos/eve/flat/commits", { title: "One", operations: [add("data/0.txt", "one")] }),
    );
    const operations = Array.from({ length: FILES[length] - 1 }, (_, i) => ({
      op: "copy",
      path: `data/${i + 1}.txt`,
      from: { revision: "main", path: "data/0.txt" },
    }));
    must(201, await eve.ask("POST", "/repos/eve/flat/commits", { title: "Many", operations }));
    for (const [name, path] of [
      ["the page", "/eve/flat/tree/main/data"],
      ["a list", "/api/v1/repos/eve/flat/tree?path=data"],
      ["a list of all", "/api/v1/repos/eve/flat/tree?recursive=true"],
    ] as const)
      figures.push(
        ...(await beside(`${name} of ${FILES[length]} files, ${AT_ONCE} at once`, stage, PATHS, length, (signal) =>
          Promise.all(Array.from({ length: AT_ONCE }, () => read(hub.url + path, eve.authorization, signal))),
        )),
      );
    let commits = 0;
    figures.push(
      ...(await beside("commits of a card to it", stage, PATHS, length, () =>
        eve.ask("POST", "/repos/eve/flat/commits", {
          title: "A card",
          operations: [add("README.md", `# Card ${commits++}`)],
        }),
      )),
    );
    return figures;
  },
};

const PATHS = ["/", "/browse"];

const newRepo = async ({ eve }: GateStage, name: string): Promise<unknown> =>
  must(201, await eve.ask("POST", "/repos", { owner: "eve", name, kind: "finetune", visibility: "public" }));

const add = (path: string, content: string) => ({ op: "add", path, content });
const deepFile = (i: number) => add([...Array<string>(500).fill("d"), `${i}.txt`].join("/"), "x");

async function read(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, { headers, signal });
  await answer.arrayBuffer();
  if (answer.status >= 500) throw new Error(`${url} answered ${answer.status}`);
}
