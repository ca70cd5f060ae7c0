import { expect, test } from "vitest";
import { csvLine } from "#lib/util/csv.ts";

test("a cell may hold a comma, a quote and a new line", () => {
  expect(csvLine(["mode", "share, kept"])).toBe('mode,"share, kept"\r\n');
  expect(csvLine(['"guide"', "a\nb", null])).toBe('"""guide""","a\nb",\r\n');
});

test("what strangers write is no formula of whoever opens the table; numbers stay numbers", () => {
  expect(csvLine(['=HYPERLINK("http://x")', "@SUM(1)", "+1+1", "-a", "\tx"])).toBe(
    `"'=HYPERLINK(""http://x"")",'@SUM(1),'+1+1,'-a,'\tx\r\n`,
  );
  expect(csvLine([-0.5, "-0.5", "+3", "-1e-5", "−0.5"])).toBe("-0.5,-0.5,+3,-1e-5,−0.5\r\n");
});
