import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { HubMember } from "../support/hub-member.ts";
import { eventually, must } from "../support/hub-member.ts";
import { weightsOf } from "../support/upload-client.ts";
import { beside } from "./beside.ts";
import type { Figure, Gate, GateStage } from "./gate.ts";

const ANNOUNCED = 19;
const STALLED = 250;
const PATHS = ["/", "/browse"];

/** One person announces much and sends nothing, keeps connections that stand still, and commits as fast as it goes. */
export const uploads: Gate = {
  about: "19 announcements without a byte, 250 parts that stand still, commits at full tilt, all by one person",
  run: async (stage, length) => {
    const { eve } = stage;
    const repo = await eve.newRepo("flood", { visibility: "public" });
    return [
      ...(await announce(stage, repo)),
      ...(await beside("250 parts that stand still", stage, PATHS, length, (signal) => stall(stage, repo, signal))),
      await uploadOf(stage.ben, "while parts stand still", stage, repo),
      ...(await beside("commits at full tilt", stage, PATHS, length, () => commitAll(eve, repo))),
      await uploadOf(stage.ben, "after all of it", stage, null),
    ];
  },
};

/** @returns whether somebody else still begins, sends and commits a file */
export async function announce({ eve, ben }: GateStage, repo: string): Promise<Figure[]> {
  const size = 10e9;
  const ids: string[] = [];
  for (let n = 0; n < ANNOUNCED; n += 1) {
    const { status, body } = await eve.begin(repo, { path: `announced-${n}.safetensors`, size });
    if (status === 201) ids.push(body.id as string);
    else if (status !== 403 && status !== 507) throw new Error(`${status}: ${JSON.stringify(body)}`);
  }
  const seconds = await timeOf(() => uploadAndCommit(ben, "beside-announcements"));
  for (const id of ids) must(204, await eve.abort(id));
  return [
    { what: "announcements of 10 GB that were taken", value: ids.length, unit: "" },
    { what: "somebody else's upload beside them, to its commit", value: seconds, unit: "s", atMost: 30 },
  ];
}

let count = 0;

/** Parts of which the first bytes come and nothing more; held until the hub ends them, or the time is over. */
export async function stall({ eve }: GateStage, repo: string, signal: AbortSignal): Promise<void> {
  const { body } = must(
    201,
    await eve.begin(repo, { path: `stalled-${(count += 1)}.safetensors`, size: 16 * 2 ** 20 * 100 }),
  );
  const id = body.id as string;
  const numbers = Array.from({ length: 100 }, (_, n) => n + 1);
  const signed = must(200, await eve.ask("POST", `/uploads/${id}/parts`, { numbers })).body.items as { url: string }[];
  const sockets = Array.from({ length: STALLED }, (_, n) => stalledPut(signed[n % signed.length]!.url));
  await Promise.race([Promise.all(sockets.map((socket) => once(socket, "close"))), once(signal, "abort")]);
  sockets.forEach((socket) => socket.destroy());
  await eve.abort(id);
}

function stalledPut(url: string): Socket {
  const { hostname, port, pathname, search, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {}); // the hub may well end it
  socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${16 * 2 ** 20}\r\n\r\nabc`);
  return socket;
}

async function commitAll(eve: HubMember, repo: string): Promise<void> {
  const content = `# Flood ${(count += 1)}`;
  await Promise.all(
    [1, 2, 3].map((n) => eve.commit(repo, [{ op: "add", path: `notes-${n}.md`, content: `${content} ${n}` }])),
  );
}

export async function uploadOf(
  ben: HubMember,
  when: string,
  stage: GateStage,
  stalledIn: string | null,
): Promise<Figure> {
  const over = new AbortController();
  const stalled = stalledIn === null ? null : stall(stage, stalledIn, over.signal);
  const seconds = await timeOf(() => uploadAndCommit(ben, when.replaceAll(" ", "-")));
  over.abort();
  await stalled;
  return { what: `somebody else's upload ${when}, to its commit`, value: seconds, unit: "s", atMost: 30 };
}

async function uploadAndCommit(ben: HubMember, name: string): Promise<void> {
  const repo = await ben.newRepo(name);
  const path = "model.safetensors";
  const upload = await ben.verified(repo, path, weightsOf(20 * 2 ** 20, (count += 1)));
  await eventually(
    "the commit",
    () => ben.commit(repo, [{ op: "add", path, upload }]),
    ({ status }) => status === 201,
  );
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round((performance.now() - began) / 100) / 10;
}
