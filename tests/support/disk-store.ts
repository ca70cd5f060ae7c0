import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiskStore } from "#lib/storage/disk.ts";
import { serve } from "./serve.ts";

export interface ServedDiskStore {
  readonly store: DiskStore;
  /** Its folder. */
  readonly folder: string;
  readonly url: string;
  close(): Promise<void>;
}

/** The disk store of this process, with a server that answers its URLs by the hub's own routes. Call it before anything asks for `env()`. */
export async function serveDiskStore(): Promise<ServedDiskStore> {
  const data = await mkdtemp(join(tmpdir(), "guidepost-disk-"));
  const server = await serve(async (request) => {
    const route = await import("../../app/storage/[...path]/route.ts");
    const handler = { PUT: route.PUT, GET: route.GET, HEAD: route.HEAD }[request.method];
    return handler
      ? handler(request, { params: Promise.resolve({ path: new URL(request.url).pathname.split("/").slice(2) }) })
      : new Response(null, { status: 405 });
  });
  Object.assign(process.env, {
    GUIDEPOST_DATA: data,
    GUIDEPOST_URL: server.url,
    GUIDEPOST_SECRET: "only-for-tests-0123456789abcdef0123",
    LOG_LEVEL: "error",
  });
  const { objectStore } = await import("#lib/storage/open-store.ts");
  return {
    store: objectStore() as DiskStore,
    folder: join(data, "objects"),
    url: server.url,
    close: async () => {
      await server.close();
      await rm(data, { recursive: true });
    },
  };
}
