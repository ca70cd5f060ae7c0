import { freePort } from "../support/free-port.ts";
import { HubMember, must } from "../support/hub-member.ts";
import { measureOnly } from "../support/held-checks.ts";
import { newFolder, removeFolder, startHub } from "../support/running-hub.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import type { Gate, GateLength, GateStage } from "./gate.ts";

/** A hub is empty where a gate does not say otherwise: its worker would measure the starter collection for minutes beside what the gate measures. */
const EMPTY = { GUIDEPOST_STARTER: "none" };

export interface StartedGateStage extends GateStage {
  /** Whether a gate may be run on it as on a hub of its own. */
  suits(gate: Pick<Gate, "variables" | "store">): boolean;
  stop(): Promise<void>;
}

/** Starts a hub of its own, as `npm start` does, with three people. Of the short form what it measures by itself is not a part. */
export async function startGateStage(
  { variables, store }: Pick<Gate, "variables" | "store">,
  length: GateLength,
): Promise<StartedGateStage> {
  const folder = await newFolder();
  const s3 = store === "bucket" ? await startS3Server() : null;
  const own: Readonly<Record<string, string>> = { ...EMPTY, ...variables };
  const hub = await startHub({
    folder,
    port: await freePort(),
    variables: { ...own, ...(s3 && variablesOf(s3)) },
  });
  if (length === "short") await measureOnly(folder, []);
  const ann = await HubMember.join(/^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())![1]!, "ann");
  const invited = async (name: string): Promise<HubMember> =>
    HubMember.join(must(201, await ann.asBrowser("POST", "/invitations", {})).body.url as string, name);
  return {
    hub,
    folder,
    ann,
    ben: await invited("ben"),
    eve: await invited("eve"),
    s3,
    suits: (gate) =>
      gate.store === store &&
      Object.entries({ ...EMPTY, ...gate.variables }).every(([name, value]) => own[name] === value),
    stop: async () => {
      await hub.stop();
      await s3?.stop();
      await removeFolder(folder);
    },
  };
}

const variablesOf = ({ settings }: S3Server): Readonly<Record<string, string>> => ({
  S3_ENDPOINT: settings.endpoint,
  S3_BUCKET: settings.bucket,
  S3_REGION: settings.region,
  S3_ACCESS_KEY_ID: settings.accessKeyId,
  S3_SECRET_ACCESS_KEY: settings.secretAccessKey,
});
