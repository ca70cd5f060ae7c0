import { readFile } from "node:fs/promises";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { curveFound } from "#lib/catalog/pairs/curve-schema.ts";
import { WaysSection } from "../../../app/pairs/[id]/ways.tsx";
import { clearSide, endsOf } from "../../../app/_ui/chart/finding.ts";

const points = (...values: number[]) => values.map((value, x) => ({ x, value }));

describe("what a curve says", () => {
  test("is its ends, and how far it reaches", () =>
    expect(endsOf(points(0.47, 0.2, 0.966), "timestep")).toBe(
      "0.47 at timestep 0, 0.97 at timestep 2; lowest 0.20, highest 0.97.",
    ));
  test("of a single point, and of none", () => {
    expect(endsOf(points(0.5), "guidance")).toBe("0.50 at guidance 0.");
    expect(endsOf([], "guidance")).toBe("Nothing was measured.");
  });
});

test("the name of a line stands where the curve is far from it", () => {
  expect(clearSide(points(0.4, 0.6, 0.8, 1), 1)).toBe("start");
  expect(clearSide(points(0.4, 0.6, 0.8, 1), 0)).toBe("end");
  expect(clearSide(points(0.9, 0.5, 0.3), 1)).toBe("end");
  expect(clearSide([], 1)).toBe("end");
});

test("every way has its mark, its row and its letter, and the drawing says in words what it shows", async () => {
  const path = new URL("../../support/curve-of-watercolor.json", import.meta.url);
  const found = curveFound.parse(JSON.parse(await readFile(path, "utf8")));
  const curve = { id: "c", state: "succeeded", measuredAt: null, machine: null, milliseconds: null, found } as const;
  const html = renderToStaticMarkup(createElement(WaysSection, { id: "p", curve }));
  const points = found.points.length;
  expect(html.match(/<li /g)).toHaveLength(points);
  expect(html.match(/<tr/g)).toHaveLength(points + found.byGuidance.length + 2);
  expect(html).toContain("With 20 passes CFG at 10 steps of DDIM may keep as much as the guide: 48 prompts");
  expect(html).toMatch(/<desc id="ways-chart-desc">With 20 passes CFG/);
  expect(html).not.toContain("NaN");
  const waiting = renderToStaticMarkup(
    createElement(WaysSection, { id: "p", curve: { ...curve, found: null, state: "queued" } }),
  );
  expect(waiting).toContain("when nobody waits for anything else");
  expect(waiting).not.toContain("<svg");
});
