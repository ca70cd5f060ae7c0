import { beside } from "./beside.ts";
import type { Figure, Gate, GateStage } from "./gate.ts";

const COUNT = 1000;
const counted = (name: (at: number) => string): string[] => Array.from({ length: COUNT }, (_, at) => name(at));
const BODY = 250_000;

interface Hostile {
  readonly path: string;
  readonly init?: (stage: GateStage) => RequestInit;
}

const post = (body: string): NonNullable<Hostile["init"]> => {
  const headers = { "content-type": "application/json" };
  return ({ eve }) => ({ method: "POST", headers: { ...eve.authorization, ...headers }, body });
};

/** Whatever fits into the head of a request, and what must be read of a body before it can be refused. */
const hostile: Readonly<Record<string, Hostile>> = {
  "a thousand cookies": {
    path: "/healthz",
    init: () => ({ headers: { cookie: counted((at) => `a${at}=b`).join("; ") } }),
  },
  "one field again and again": { path: `/browse?${"q=a&".repeat(3 * COUNT)}` },
  "a thousand ranges": {
    path: "/eve/hostile/resolve/main/README.md",
    init: () => ({ headers: { range: `bytes=${counted((at) => `${at}-${at}`).join()}` } }),
  },
  "a thousand tags": {
    path: "/eve/hostile/resolve/main/README.md",
    init: () => ({ headers: { "if-none-match": counted((at) => `"${at}"`).join(", ") } }),
  },
  "a search of operators": { path: `/api/v1/repos?facets=true&q=${encodeURIComponent("a | !(b <-> %_ ".repeat(13))}` },
  "a long search": { path: `/browse?q=${"a%20".repeat(1250)}` },
  "a place that no list has": {
    path: `/api/v1/repos?cursor=${Buffer.from("[".repeat(5900)).toString("base64url")}`,
  },
  "an address without end": { path: `/api/v1/repos?cursor=${"W1tb".repeat(3000)}` },
  "a path without end": { path: `/eve/hostile/tree/main/${"a/".repeat(3900)}` },
  "a body of numbers": { path: "/api/v1/pairs", init: post(`[${"1,".repeat(BODY / 2)}1]`) },
  "a body of brackets": { path: "/api/v1/previews", init: post("[".repeat(BODY)) },
  "a body of names": { path: "/api/v1/repos", init: post(`{${counted((at) => `"k${at}":{}`).join()}}`) },
};

const worst = new Set(["a thousand cookies", "one field again and again", "a body of numbers"]);

/** Any request is refused or answered before others notice, however its head and its body are written. */
export const requests: Gate = {
  about: "headers, addresses and bodies that are slow to take apart, sent by nobody in particular",
  run: async (stage, length) => {
    const { hub, eve } = stage;
    await eve.newRepo("hostile", { visibility: "public" });
    await eve.commit("eve/hostile", [{ op: "add", path: "README.md", content: "# Hostile" }]);
    const figures: Figure[] = [];
    for (const [name, { path, init }] of Object.entries(hostile)) {
      if (length === "short" && !worst.has(name)) continue;
      const ask = async (): Promise<number> => {
        const answer = await fetch(hub.url + path, { redirect: "manual", ...init?.(stage) });
        await answer.arrayBuffer();
        return answer.status;
      };
      const status = await ask();
      figures.push(
        { what: `${name}: its answer`, value: status, unit: "", atMost: 499 },
        ...(await beside(name, stage, ["/", "/browse"], length, ask)),
      );
    }
    return figures;
  },
};
