import { freePort } from "../support/free-port.ts";
import { HubMember, must } from "../support/hub-member.ts";
import { newFolder, removeFolder, startHub } from "../support/running-hub.ts";
import type { GateStage } from "./gate.ts";

/**
 * Starts a hub of its own, as `npm start` does, with three people. It is empty where a gate does not say otherwise: its worker would
 * measure the starter collection for minutes beside what the gate measures.
 */
export async function startGateStage(
  variables: Readonly<Record<string, string>> = {},
): Promise<GateStage & { stop(): Promise<void> }> {
  const folder = await newFolder();
  const hub = await startHub({
    folder,
    port: await freePort(),
    variables: { GUIDEPOST_STARTER: "none", ...variables },
  });
  const ann = await HubMember.join(/^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())![1]!, "ann");
  const invited = async (name: string): Promise<HubMember> =>
    HubMember.join(must(201, await ann.asBrowser("POST", "/invitations", {})).body.url as string, name);
  return {
    hub,
    folder,
    ann,
    ben: await invited("ben"),
    eve: await invited("eve"),
    stop: async () => {
      await hub.stop();
      await removeFolder(folder);
    },
  };
}
