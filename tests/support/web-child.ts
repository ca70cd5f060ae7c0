import { serveApp } from "./serve-app.ts";

/** A web process of a hub, as its variables say: our route handlers without Next and without pages, which would have to be built. */
process.send!({ url: (await serveApp()).url });
