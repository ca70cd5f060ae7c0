import { uploadContract } from "../../contract/uploads.ts";
import { noS3Server, startS3Server } from "../../support/s3-server.ts";
import { serveApp } from "../../support/serve-app.ts";
import { useTempHub } from "../../support/temp-hub.ts";

uploadContract(
  "the S3 store",
  async () => {
    const [server, s3] = await Promise.all([serveApp(), startS3Server()]);
    const { endpoint, bucket, region, accessKeyId, secretAccessKey } = s3.settings;
    const hub = await useTempHub({
      GUIDEPOST_URL: server.url,
      S3_ENDPOINT: endpoint,
      S3_BUCKET: bucket,
      S3_REGION: region,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
    });
    return {
      url: server.url,
      close: async () => {
        await server.close();
        await s3.stop();
        await hub.close();
      },
    };
  },
  noS3Server,
);
