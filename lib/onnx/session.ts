import { dirname, parse, sep } from "node:path";
import { AppError } from "#lib/errors.ts";
import { type FloatTensor, type Tensor, tensor } from "#lib/tensor/tensor.ts";
import type { Graph, Value } from "./graph.ts";
import { toOnnx } from "./model.ts";
import { type Optimization, optimizationFor } from "./optimization.ts";
import type { Precision, Provider } from "./providers.ts";
import { InferenceSession, Tensor as RuntimeTensor } from "./runtime.ts";
import { createTurns } from "./turns.ts";

/** How networks are run. The same runtime gives the same numbers; another one may differ in the last digits. */
export interface Runtime {
  readonly provider: Provider;
  readonly precision: Precision;
  readonly threads: number;
  /** Begins the name of a file of the runtime's own profile, written when a session closes; left out for none. */
  readonly profile?: string;
}

export type Feeds = Readonly<Record<string, Tensor<Float32Array | Int32Array>>>;

/** A graph, opened: weights mapped, constants folded. `run` blocks its thread, and cannot be stopped from inside. */
export interface Session<Output extends string = string> {
  /** How far the runtime rearranged the graph. */
  readonly optimization: Optimization;
  /**
   * @param into  where outputs shall be written, by name: tensors of their shapes. One may be an input's too, where all that reads the
   *              input runs before the output is written.
   */
  run(feeds: Feeds, into?: Feeds): Promise<Record<Output, FloatTensor>>;
  close(): Promise<void>;
}

/** Parts of one network should be opened alike, so that they compute as the whole does: give them one `optimization`. */
export async function openSession<Output extends string>(
  graph: Graph,
  runtime: Runtime,
  optimization = optimizationFor(weightBytes(graph)),
): Promise<Session<Output>> {
  const files = externalFiles(graph);
  const root = commonFolder(files);
  const options: InferenceSession.SessionOptions = {
    executionProviders: [runtime.provider],
    graphOptimizationLevel: optimization,
    intraOpNumThreads: runtime.threads,
    ...(runtime.profile !== undefined && { enableProfiling: true, profileFilePrefix: runtime.profile }),
    // A second block for all tensors of a run, beside what the first run took, is 440 MB on SD 1.5 and wins no time: 1.00 and 1.03
    // [0.99, 1.06] of it without.
    enableMemPattern: false,
    logSeverityLevel: 4, // what it would print comes back as the error
    extra: {
      session: {
        model_external_initializers_file_folder_path: root,
        // Threads that spin at every barrier take the processor from whoever shares it. A step of the starter's UNet takes 6.5 ms
        // without and 5.0 with on an idle machine of two cores, but 8 and 17 to 47 beside one busy process.
        "intra_op.allow_spinning": "0",
        ...(hasSharedWeights(graph) && { disable_prepacking: "1" }),
      },
    },
  };
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(toOnnx(graph, root), options);
  } catch (cause) {
    throw new AppError(
      "internal",
      `The network "${graph.name}" could not be opened on ${runtime.provider}: ${(cause as Error).message.split("\n")[0]}`,
      { files },
      cause,
    );
  }
  const wanted = Object.fromEntries(graph.outputs.map(({ name }) => [name, null]));
  return {
    optimization,
    async run(feeds, into = {}) {
      const inputs = runtimeTensors(feeds);
      const fetches = { ...wanted, ...runtimeTensors(into) };
      const run = () => session.run(inputs, fetches);
      const outputs = await (runtime.provider === "webgpu" ? oneAtATime(run) : run());
      const out = {} as Record<Output, FloatTensor>;
      for (const { name } of graph.outputs) {
        const { data, dims } = outputs[name]!;
        out[name as Output] = tensor(data as Float32Array, dims);
      }
      return out;
    },
    async close() {
      if (runtime.profile !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

/** Without a copy: the runtime reads and writes the numbers where they are. */
const runtimeTensors = (tensors: Feeds): Record<string, RuntimeTensor> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => [
      name,
      new RuntimeTensor(data instanceof Float32Array ? "float32" : "int32", data, shape),
    ]),
  );

/** WebGPU has one queue for a process, and two runs at once end in each other's way. */
const oneAtATime = createTurns();

const weightBytes = ({ initializers }: Graph): number =>
  initializers.reduce((sum, one) => sum + ("external" in one ? one.external.end - one.external.begin : 0), 0);

/**
 * Whether several nodes read one weight, as the two passes of training do. The runtime would lay it out for each of them anew: 2 GB more
 * at SD 1.5's size, and no time won.
 */
function hasSharedWeights({ nodes, initializers }: Graph): boolean {
  const weights = new Set(initializers.flatMap((one) => ("external" in one ? [one.value] : [])));
  for (const { op, inputs, outputs } of nodes)
    if (op.type === "Cast" && weights.has(inputs[0]!)) weights.add(outputs[0]!);
  const read = new Set<Value>();
  for (const { op, inputs } of nodes)
    for (const input of inputs) {
      if (op.type !== "MatMul" || !weights.has(input)) continue;
      if (read.has(input)) return true;
      read.add(input);
    }
  return false;
}

const externalFiles = (graph: Graph): string[] => [
  ...new Set(graph.initializers.flatMap((one) => ("external" in one ? [one.external.path] : []))),
];

/** The deepest folder that holds all the files: the runtime takes paths below one root only. */
function commonFolder(files: readonly string[]): string {
  if (files.length === 0) return process.cwd();
  let folder = dirname(files[0]!);
  const holds = (path: string): boolean => path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  while (!files.every(holds) && folder !== parse(folder).root) folder = dirname(folder);
  return folder;
}
