import type { Runtime } from "#lib/onnx/session.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { openGuided, readSubject, type SubjectName } from "./subject.ts";

/** Milliseconds since the parent started this process, and the memory it holds at the end. */
export interface OpenTimes {
  readonly started: number;
  readonly headersRead: number;
  readonly opened: number;
  readonly firstStep: number;
  readonly residentMb: number;
}

const [name, begin, runtime] = process.argv.slice(2) as [SubjectName, string, string];
const since = (): number => Date.now() - Number(begin);

const started = since();
const subject = await readSubject(name);
const headersRead = since();
const { guided: unet, guide } = await openGuided(subject, JSON.parse(runtime) as Runtime);
const opened = since();
const { parts } = subject;
const generator = createGenerator(0);
const latents = generator.randn([1, parts.unet.config.inChannels, parts.height, parts.width]);
const text = generator.randn([1, parts.tokens, parts.unet.config.crossAttentionDim]);
await unet.predict(latents, 801, { text }, await guide.residuals(latents, 801, { text }, Float32Array.of(5)));
const times: OpenTimes = {
  started,
  headersRead,
  opened,
  firstStep: since(),
  residentMb: process.memoryUsage().rss / 1e6,
};
process.send!(times, () => process.exit(0));
