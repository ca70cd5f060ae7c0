import { uploadContract } from "../../contract/uploads.ts";
import { serveApp } from "../../support/serve-app.ts";
import { useTempHub } from "../../support/temp-hub.ts";

uploadContract("the disk store", async () => {
  const server = await serveApp();
  const hub = await useTempHub({ GUIDEPOST_URL: server.url });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      await hub.close();
    },
  };
});
