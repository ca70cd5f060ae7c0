import { generateClient } from "./generate-client.ts";

/** `npx guidepost worker`: one more worker for a hub, on this machine or another; DATABASE_URL and S3_* say which. */
generateClient(); // a checkout that never ran `npm start` has none
await import("#workers/hub/main.ts");
