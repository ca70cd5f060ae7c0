import { noS3Server, startS3Server } from "../support/s3-server.ts";
import { beside } from "./beside.ts";
import type { Gate } from "./gate.ts";
import { startGateStage } from "./stage.ts";
import { announce, stall, uploadOf } from "./uploads.ts";

/** In a bucket the parts go past the hub: what stands still there must not hold up those who ask the hub, or send something themselves. */
export const bucket: Gate = {
  about: "19 announcements without a byte and 250 parts that stand still, on a hub of its own whose store is S3",
  skipped: noS3Server,
  run: async (_stage, length) => {
    const server = await startS3Server();
    const { endpoint, bucket: name, region, accessKeyId, secretAccessKey } = server.settings;
    const stage = await startGateStage({
      S3_ENDPOINT: endpoint,
      S3_BUCKET: name,
      S3_REGION: region,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
    });
    try {
      const repo = await stage.eve.newRepo("flood", { visibility: "public" });
      return [
        ...(await announce(stage, repo)),
        ...(await beside("250 parts that stand still", stage, ["/", "/browse"], length, (signal) =>
          stall(stage, repo, signal),
        )),
        await uploadOf(stage.ben, "while parts stand still", stage, repo),
      ];
    } finally {
      await stage.stop();
      await server.stop();
    }
  },
};
