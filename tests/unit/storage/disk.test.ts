import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { objectStoreContract } from "../../contract/object-store.ts";
import { serve } from "../../support/serve.ts";

objectStoreContract("the disk store", async () => {
  const folder = await mkdtemp(join(tmpdir(), "guidepost-disk-"));
  const server = await serve(async (request) => {
    const route = await import("../../../app/storage/[...path]/route.ts");
    const handler = { PUT: route.PUT, GET: route.GET, HEAD: route.HEAD }[request.method];
    return handler ? handler(request, { params: Promise.resolve({ path: new URL(request.url).pathname.split("/").slice(2) }) }) : new Response(null, { status: 405 });
  });
  Object.assign(process.env, { GUIDEPOST_DATA: folder, GUIDEPOST_URL: server.url, GUIDEPOST_SECRET: "only-for-tests-0123456789abcdef0123", LOG_LEVEL: "error" });
  const { objectStore } = await import("#lib/storage/open-store.ts");
  return {
    store: objectStore(),
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
});
