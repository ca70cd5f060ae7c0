import { expect, test } from "vitest";
import { rollUp, termsOf } from "#lib/catalog/reports/licences.ts";

test.each([
  ["apache-2.0", "anything"],
  ["MIT", "anything"],
  ["cc-by-4.0", "anything"],
  ["bsd-3-clause", "anything"],
  ["creativeml-openrail-m", "use restrictions"],
  ["openrail++", "use restrictions"],
  ["bigscience-openrail-m", "use restrictions"],
  ["CreativeML Open RAIL-M", "unknown"],
  ["cc-by-nc-sa-4.0", "no commercial use"],
  ["cc-by-nc-4.0", "no commercial use"],
  ["stabilityai-ai-community", "unknown"],
  ["faipl-1.0-sd", "unknown"],
  ["flux-1-dev-non-commercial-license", "no commercial use"],
  ["cc-by-sa-4.0", "same licence"],
  ["agpl-3.0", "same licence"],
  ["other", "unknown"],
  ["", "unknown"],
  [null, "unknown"],
] as const)("%s allows: %s", (licence, terms) => expect(termsOf(licence)).toBe(terms));

test("what holds together names every part that keeps it from being free for anything", () => {
  const free = { repo: "ann/base", licence: "apache-2.0" };
  expect(rollUp([free])).toEqual([
    "All parts may be used for anything, with their notices kept where they are passed on.",
  ]);
  expect(
    rollUp([
      free,
      { repo: "ben/look", licence: "cc-by-nc-4.0" },
      { repo: "cleo/guide", licence: null },
      { repo: "dan/sd", licence: "creativeml-openrail-m" },
    ]),
  ).toEqual([
    "Not for commercial use: ben/look (cc-by-nc-4.0).",
    "Some uses are excluded by the licence of dan/sd (creativeml-openrail-m); read it first.",
    "Nothing is known here of what the licence allows: cleo/guide (no licence given).",
  ]);
});
