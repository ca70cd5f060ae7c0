import { Socket } from "node:net";
import { basename } from "node:path";
import { serialize } from "node:v8";
import { Frames, toFrame } from "#lib/util/frames.ts";
import { MOST_BYTES } from "#workers/inference/messages.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";

/** A child that is told by its job's folder what to say: “kind seed”. Nothing of it is an answer. */
const channel = new Socket({ fd: 3 });
const frames = new Frames(MOST_BYTES);
channel.on("data", (piece: Buffer) => {
  for (const raw of frames.take(piece)) {
    const { folder } = raw as { folder: string };
    const [kind, seed] = basename(folder).split(" ");
    garbage[kind!]!(mulberry32(Number(seed)));
  }
});
channel.on("close", () => process.exit(0));

const send = (bytes: Buffer): void => void channel.write(bytes);
const say = (message: unknown): void => send(toFrame(message));
const framed = (body: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
};

type Random = () => number;
const below = (random: Random, count: number): number => Math.floor(random() * count);
const bytesOf = (random: Random, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, () => below(random, 256)));
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;

const oddValue = (random: Random, depth = 0): unknown =>
  pick<() => unknown>(random, [
    () => NaN,
    () => -Infinity,
    () => null,
    () => undefined,
    () => 1n << 80n,
    () => "\0\u202e\ud800",
    () => "x".repeat(100_000),
    () => new Map([[{}, new Set([1])]]),
    () => new Date(NaN),
    () => new Float32Array(3),
    () => new Error("odd"),
    () => (depth > 3 ? 0 : Array.from({ length: 3 }, () => oddValue(random, depth + 1))),
    () =>
      depth > 3 ? 0 : { type: oddValue(random, depth + 1), __proto__: null, constructor: oddValue(random, depth + 1) },
  ])();

const types = [
  "ready",
  "progress",
  "sampled",
  "checked",
  "inspected",
  "compared",
  "probed",
  "failed",
  "sung",
  "",
  7,
  null,
];
const fields = [
  "stage",
  "done",
  "total",
  "picture",
  "code",
  "message",
  "detail",
  "inspection",
  "signature",
  "needs",
  "files",
  "nativeSize",
  "bases",
  "version",
  "probes",
  "report",
];

const oddMessage = (random: Random): object => ({
  type: pick(
    random,
    types.filter((type) => type !== "ready"),
  ),
  ...Object.fromEntries(fields.map((field) => [field, oddValue(random)])),
});

const failed = { type: "failed", code: "internal", message: "It failed.", detail: {} };

const garbage: Readonly<Record<string, (random: Random) => void>> = {
  bytes: (random) => send(bytesOf(random, 1 + below(random, 200))),
  clone: (random) => send(framed(bytesOf(random, below(random, 60)))),
  text: () => send(framed(Buffer.from('{"type":"inspected","files":['))),
  line: (random) => send(Buffer.alloc(1e6 + below(random, 1e6), "a")),
  huge: () => send(Buffer.from([0xf0, 0xff, 0xff, 0xff, 1, 2, 3])),
  empty: () => send(Buffer.alloc(64)),
  cut(random) {
    const body = serialize(oddMessage(random));
    send(framed(body.subarray(0, below(random, body.length))));
  },
  flipped(random) {
    const frame = framed(serialize({ ...failed, detail: oddMessage(random) }));
    const at = 4 + below(random, frame.length - 4);
    frame[at] = frame[at]! ^ (1 << below(random, 8));
    send(frame);
  },
  odd: (random) => say(oddMessage(random)),
  value: (random) => say(oddValue(random)),
  another: () => say({ type: "compared", bases: [] }),
  shape: () =>
    say({
      type: "progress",
      stage: "denoising",
      done: 1,
      total: 2,
      picture: { width: 1e9, height: 1e9, rgb: new Uint8Array(3) },
    }),
  "nothing-known": () => say({ type: "failed", code: "sung", message: "la", detail: {} }),
  sentence: () => say({ ...failed, message: "\0\ud800".repeat(1e5) }),
  after(random) {
    say(failed);
    say(oddMessage(random));
    say(failed);
    send(bytesOf(random, 100));
  },
  flood(random) {
    for (let i = 0; i < 2000; i++) say({ type: "progress", stage: "denoising", done: i, total: 2000 });
    say(oddMessage(random));
  },
  leaves(random) {
    const frame = toFrame(oddMessage(random));
    channel.write(frame.subarray(0, below(random, frame.length)), () => process.exit(below(random, 3)));
  },
  dies(random) {
    channel.write(toFrame(failed).subarray(0, 2 + below(random, 20)), () => process.kill(process.pid, "SIGKILL"));
  },
  silent: (random) => send(toFrame(failed).subarray(0, 1 + below(random, 20))),
};
