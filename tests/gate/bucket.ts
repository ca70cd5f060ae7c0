import { beside } from "./beside.ts";
import type { Gate } from "./gate.ts";
import { announce, stall, uploadOf } from "./uploads.ts";

/** In a bucket the parts go past the hub: what stands still there must not hold up those who ask the hub, or send something themselves. */
export const bucket: Gate = {
  about: "19 announcements without a byte and 250 parts that stand still, on a hub of its own whose store is S3",
  store: "bucket",
  run: async (stage, length) => {
    const repo = await stage.eve.newRepo("flood", { visibility: "public" });
    return [
      ...(await announce(stage, repo)),
      ...(await beside("250 parts that stand still", stage, ["/", "/browse"], length, (signal) =>
        stall(stage, repo, signal),
      )),
      await uploadOf(stage.ben, "while parts stand still", stage, repo),
    ];
  },
};
