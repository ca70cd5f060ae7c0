import { AppError } from "#lib/errors.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { Graph } from "./graph.ts";
import { conv, evenPadding } from "./ops/conv.ts";
import type { Provider, ProviderChoice } from "./providers.ts";
import { knownProviders, runtimeName, runtimeVersion } from "./runtime.ts";
import { openSession } from "./session.ts";

/** What was found out about a provider on this machine. */
export interface Probe {
  readonly provider: Provider;
  /** Whether the runtime's package brings it; one that it does not bring needs libraries beside it. */
  readonly bundled: boolean;
  /** Largest difference of its first convolution from the processor's, as a share of the largest value; null where it did not run. */
  readonly difference: number | null;
  /** Why it cannot be used; null where it can. */
  readonly problem: string | null;
}

/** From the fastest to the one that is always there. */
const preferred: readonly Provider[] = ["cuda", "webgpu", "cpu"];

/** CUDA rounds the factors of a convolution to 10 bits (TF32), which differs by a thousandth; a wrong kernel differs by all of it. */
const MAX_DIFFERENCE = 0.01;

const found = new Map<Provider, Promise<Probe>>();

/** Looks once in a process's life. */
export function probeProvider(provider: Provider): Promise<Probe> {
  const known = found.get(provider) ?? probe(provider);
  found.set(provider, known);
  return known;
}

/**
 * The provider that networks run on here. Only `auto` falls back on another; whoever asks for one by name gets it or learns why not.
 * @throws provider_unavailable
 */
export async function resolveProvider(choice: ProviderChoice): Promise<Provider> {
  if (choice === "cpu") return choice;
  for (const provider of choice === "auto" ? preferred : [choice]) {
    const { problem } = provider === "cpu" ? { problem: null } : await probeProvider(provider);
    if (problem === null) return provider;
    if (choice !== "auto") {
      const way = "see docs/running.md for what it needs, or use GUIDEPOST_PROVIDER=auto or cpu";
      throw new AppError("provider_unavailable", `Networks cannot run on ${choice} here: ${problem}; ${way}.`, {
        choice,
      });
    }
  }
  return "cpu";
}

async function probe(provider: Provider): Promise<Probe> {
  const known = knownProviders().find(({ name }) => name === provider);
  const platform = `${process.platform}-${process.arch}`;
  if (!known) {
    const problem = `${runtimeName} ${runtimeVersion()} has no ${provider} for ${platform}`;
    return { provider, bundled: false, difference: null, problem };
  }
  const { bundled } = known;
  try {
    const difference = differenceOf(await firstConvolution(provider), await firstConvolution("cpu"));
    const problem =
      difference <= MAX_DIFFERENCE
        ? null
        : `its first convolution is wrong (${difference.toPrecision(2)} off the processor's)`;
    return { provider, bundled, difference, problem };
  } catch (failure) {
    return { provider, bundled, difference: null, problem: reasonOf(failure, known) };
  }
}

/**
 * A convolution of four channels is the first thing a UNet does, and the one that onnxruntime 1.30 gets wrong on some graphics cards
 * through WebGPU.
 */
async function firstConvolution(provider: Provider): Promise<FloatTensor> {
  const [channels, out, side] = [4, 32, 16];
  const generator = createGenerator(1);
  const graph = new Graph(`first convolution on ${provider}`);
  const latents = graph.input("latents", ["batch", channels, side, side]);
  const weight = graph.constant(generator.randn([out, channels, 3, 3]));
  graph.output("convolved", conv(latents, weight, null, { padding: evenPadding(1) }));
  const session = await openSession<"convolved">(graph, { provider, precision: "float32", threads: 1 });
  try {
    return (await session.run({ latents: generator.randn([1, channels, side, side]) })).convolved;
  } finally {
    await session.close();
  }
}

export function differenceOf(a: FloatTensor, b: FloatTensor): number {
  let [most, largest] = [0, 0];
  for (const [i, value] of b.data.entries()) {
    most = Math.max(most, Math.abs(a.data[i]! - value)); // NaN stays
    largest = Math.max(largest, Math.abs(value));
  }
  return most / largest;
}

/** The runtime's own words without the path of the source they were raised in. */
function reasonOf(failure: unknown, { bundled }: { readonly bundled: boolean }): string {
  const { cause, message } = failure as Error;
  const said = (cause instanceof Error ? cause.message : message).split("\n")[0]!;
  const words = said.slice(said.lastIndexOf(" was false. ") + 1).replace(/^was false\. /, "");
  const short = words.replace(/^OrtSessionOptionsAppendExecutionProvider_\w+: /, "").replace(/\.$/, "");
  const reason = `${short[0]!.toLowerCase()}${short.slice(1, 200)}`;
  return bundled ? reason : `${reason}, which the package does not bring`;
}
