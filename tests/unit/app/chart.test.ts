import { describe, expect, test } from "vitest";
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
