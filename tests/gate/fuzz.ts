import { fuzz as sendAll } from "../support/fuzz/fuzz.ts";
import type { Sound } from "../support/fuzz/from-schema.ts";
import { soundValues } from "../support/fuzz/sound-values.ts";
import { type OpenApi, targetsOf } from "../support/fuzz/targets.ts";
import type { Gate } from "./gate.ts";

const SEED = Number(process.env["GUIDEPOST_FUZZ_SEED"] ?? 10);
const COUNT = { short: 500, full: 10_000 } as const;

/** Every address of the hub, asked with what nobody should send. */
export const fuzz: Gate = {
  about: "hostile paths, queries, bodies, headers and methods to every route and page; none may answer 500",
  variables: { GUIDEPOST_STARTER: "load" }, // so that there is something to ask for
  run: async ({ hub, eve }, length) => {
    const document = (await (await fetch(`${hub.url}/api/v1/openapi.json`)).json()) as OpenApi;
    const targets = targetsOf(document);
    const sound: Sound = await soundValues(eve);
    const senders = [{}, eve.authorization, eve.browserHeaders];
    const { byStatus, reached, faults } = await sendAll({
      url: hub.url,
      targets,
      senders,
      sound,
      seed: SEED,
      count: COUNT[length],
    });
    for (const fault of faults.slice(0, 20)) console.error(fault);
    console.log(JSON.stringify(byStatus));
    return [
      { what: "requests", value: COUNT[length], unit: "", atLeast: COUNT[length] },
      {
        what: `of ${targets.length} addresses, those that took one`,
        value: reached,
        unit: "",
        atLeast: targets.length / 2,
      },
      { what: "answers of 500 and more, or none", value: faults.length, unit: "", atMost: 0 },
    ];
  },
};
