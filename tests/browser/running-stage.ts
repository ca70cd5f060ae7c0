import type { StartedStage } from "./stories.ts";
import { openBrowser } from "../support/chromium.ts";
import { measureOnly, type NamedPair } from "../support/held-checks.ts";
import { freePort } from "../support/free-port.ts";
import { HubMember, must } from "../support/hub-member.ts";
import { newFolder, removeFolder, startHub } from "../support/running-hub.ts";
import { Stage } from "./stage.ts";

/** What the stories look at; what else they need they upload themselves. */
const MEASURED = ["watercolor", "pixel"].map((model): NamedPair => [`guidepost/${model}`, "guidepost/guide-tiny"]);

/**
 * Starts a hub as `npm start` does, and opens a browser. GUIDEPOST_TEST_HUB takes one that runs already, where ann and ben have
 * accounts: for whoever works on the pages.
 */
export async function startStage(): Promise<StartedStage> {
  const browser = await openBrowser();
  const running = process.env["GUIDEPOST_TEST_HUB"];
  if (running) {
    const people = { ann: await HubMember.signIn(running, "ann"), ben: await HubMember.signIn(running, "ben") };
    return { stage: new Stage(running, browser, people, null), stop: () => browser.close() };
  }
  const folder = await newFolder();
  const hub = await startHub({ folder, port: await freePort() });
  await measureOnly(folder, MEASURED);
  const ann = await HubMember.join(/^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())![1]!, "ann");
  const ben = await HubMember.join(
    must(201, await ann.asBrowser("POST", "/invitations", {})).body.url as string,
    "ben",
  );
  return {
    stage: new Stage(hub.url, browser, { ann, ben }, folder),
    stop: async () => {
      await browser.close();
      await hub.stop();
      await removeFolder(folder);
    },
  };
}
