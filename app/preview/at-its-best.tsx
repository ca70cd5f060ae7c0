import { nameOfSetting, type Setting } from "#lib/pairing/envelope.ts";
import type { Settings } from "./address.ts";

/** Where a pair was found to be at its best: the studio opens there, and says where it has gone from it. */
export function AtItsBest({
  best,
  shown,
}: {
  readonly best: Setting & { readonly pair: string };
  readonly shown: Pick<Settings, "guidance" | "guideStrength" | "cfgSteps">;
}) {
  const isThere =
    Number(shown.guidance) === best.guidanceScale &&
    Number(shown.guideStrength) === best.guideStrength &&
    Number(shown.cfgSteps) === best.cfgSteps;
  return (
    <p className="border-l-2 border-line pl-3 text-small text-quiet">
      {isThere ? "These are the settings" : "Other settings than those"} at which this pair was found to be at its best:{" "}
      {nameOfSetting(best)}. <a href={`/pairs/${best.pair}#envelope`}>How it was found</a>
    </p>
  );
}
