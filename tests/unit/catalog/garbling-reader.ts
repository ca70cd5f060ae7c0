import { Socket } from "node:net";
import { toFrame } from "#lib/util/frames.ts";

/** A reader that is ready, and says to the text “say kind” what no reader says. */
const channel = new Socket({ fd: 3 });
const framed = (body: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
};
const garbage: Readonly<Record<string, Buffer>> = {
  bytes: Buffer.from("no structured clone at all"),
  clone: framed(Buffer.from([0xff, 0x0f, 0x6f, 0x22, 0x41, 0x99, 7, 7, 7, 7, 7, 7])),
  huge: Buffer.from([0xff, 0xff, 0xff, 0xff, 1]),
  another: toFrame({ type: "facts", value: { frontMatter: {}, facts: { license: 7 } } }),
  wrong: toFrame({ type: "ready" }),
  twice: Buffer.concat([toFrame({ type: "html", value: "a" }), toFrame({ type: "html", value: "b" })]),
};
channel.on("data", (piece: Buffer) => {
  const name = Object.keys(garbage).find((each) => piece.includes(`say ${each}`));
  channel.write(name ? garbage[name]! : toFrame({ type: "html", value: "read" }));
});
channel.once("close", () => process.exit(0));
channel.write(toFrame({ type: "ready" }));
