import { beside } from "./beside.ts";
import type { Gate } from "./gate.ts";

const LETTERS = 100_000;
const texts: Readonly<Record<string, string>> = {
  "words without end": "a ".repeat(LETTERS / 2),
  "pairs without end": "Steps: 1, ".repeat(LETTERS / 10),
  "quotes that nobody closes": `a\nSteps: 20, x: ${'"\\'.repeat(LETTERS / 2)}`,
  "brackets that nobody closes": `${"(<lora:".repeat(LETTERS / 7)}\nSteps: 20`,
};

/** The recipe of a picture made elsewhere is a stranger's text, and anybody may ask what it means. */
export const infotext: Gate = {
  about: "texts of pictures that are slow to read, sent by nobody in particular",
  run: async (stage, length) => {
    const figures = [];
    for (const [name, text] of Object.entries(texts)) {
      const answer = await ask(stage.hub.url, text);
      if (answer.status >= 500) throw new Error(`${name}: ${answer.status}`);
      figures.push(...(await beside(name, stage, ["/", "/browse"], length, () => ask(stage.hub.url, text))));
    }
    return figures;
  },
};

const ask = (url: string, parameters: string): Promise<Response> =>
  fetch(`${url}/api/v1/previews/recipe`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ parameters }),
  });
