import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import type { UNetSize } from "#lib/diffusion/unet-graphs.ts";
import { parametersOf, requireAllTaken, type UNetParts } from "#lib/diffusion/unet-networks.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { corrections, type OptimizerSettings } from "./optimizer.ts";
import { type ParameterLayout, parameterLayout } from "./parameter-layout.ts";
import { residualGuide, trainingGraph } from "./training-graph.ts";

/** All that a step changes: four vectors of `layout.length`, and how many steps were made. */
export interface TrainingState {
  readonly weights: Float32Array;
  readonly firstMoments: Float32Array;
  readonly secondMoments: Float32Array;
  /** The running average of the weights, which is what becomes a guide. */
  readonly average: Float32Array;
  readonly steps: number;
}

/** B states of the base's own, and what to predict there. */
export interface TrainingBatch {
  /** [B, C, H, W], as the network reads them. */
  readonly latents: FloatTensor;
  /** [B] */
  readonly timesteps: Float32Array;
  /** Of the prompt; B rows. */
  readonly conditioning: Conditioning;
  /** [B] */
  readonly guidanceScales: Float32Array;
  /** [B, C, H, W]: the prediction to reach, as the base predicts: u + w (c − u). */
  readonly target: FloatTensor;
  /** [B]: the loss is the mean over rows of weight · mean((prediction − target)²). */
  readonly lossWeights: Float32Array;
}

/** What differs from step to step. */
export interface StepRates {
  readonly learningRate: number;
  readonly averageDecay: number;
}

export interface StepResult {
  readonly loss: number;
  /** Of all parameters together, before clipping. */
  readonly gradientNorm: number;
}

/** A guide in training beside its frozen base. */
export interface TrainingStep {
  readonly layout: ParameterLayout;
  run(batch: TrainingBatch, rates: StepRates): Promise<StepResult>;
  state(): TrainingState;
  restore(state: TrainingState): void;
  close(): Promise<void>;
}

export interface TrainingStepOptions {
  readonly base: Pick<UNetParts, "unet" | "lowRank">;
  readonly guide: GuideConfig;
  readonly size: UNetSize;
  readonly batch: number;
  readonly optimizer: OptimizerSettings;
  readonly initial: TrainingState;
  readonly runtime: Runtime;
  /** Less memory for a forward pass more. */
  readonly recompute: boolean;
}

/** @throws weights_mismatch for a base whose files and config disagree */
export async function openTrainingStep(options: TrainingStepOptions): Promise<TrainingStep> {
  const { base, guide, size, batch, optimizer, recompute, runtime } = options;
  const layout = parameterLayout(guide);
  const { config } = base.unet;
  const network = residualGuide(guide);
  const graph = trainingGraph({
    config,
    parameters: parametersOf(base),
    network,
    layout,
    size,
    batch,
    optimizer,
    recompute,
  });
  requireAllTaken(base);
  const session: Session<"loss" | "gradientNorm"> = await openSession(graph, runtime);
  let state = copyState(options.initial);

  return {
    layout,
    async run({ latents, timesteps, conditioning, guidanceScales, target, lossWeights }, rates) {
      // The same tensors are read and written. That is safe because each vector is read for the last time before it is written: the
      // weights by their split, whose pieces all the gradients are made of, and everything by the element that replaces it.
      const vectors = mapState(state, (values) => tensor(values, [layout.length]));
      const number = (value: number): FloatTensor => tensor(Float32Array.of(value), [1]);
      const column = (values: Float32Array): FloatTensor => tensor(values, [batch]);
      const steps = state.steps + 1;
      const { firstCorrection, secondCorrection } = corrections(optimizer, steps);
      const { loss, gradientNorm } = await session.run(
        {
          ...vectors,
          ...conditioning,
          latents,
          target,
          timestep: column(timesteps),
          guidanceScale: column(guidanceScales),
          lossWeight: column(lossWeights),
          learningRate: number(rates.learningRate),
          averageDecay: number(rates.averageDecay),
          firstCorrection: number(firstCorrection),
          secondCorrection: number(secondCorrection),
        },
        Object.fromEntries(Object.entries(vectors).map(([name, vector]) => [`next.${name}`, vector])),
      );
      state = { ...state, steps };
      return { loss: loss.data[0]!, gradientNorm: gradientNorm.data[0]! };
    },
    state: () => copyState(state),
    restore(wanted) {
      state = copyState(wanted);
    },
    close: () => session.close(),
  };
}

const mapState = <T>(
  { weights, firstMoments, secondMoments, average }: TrainingState,
  change: (vector: Float32Array) => T,
) => ({
  weights: change(weights),
  firstMoments: change(firstMoments),
  secondMoments: change(secondMoments),
  average: change(average),
});

const copyState = (state: TrainingState): TrainingState => ({
  ...mapState(state, (vector) => vector.slice()),
  steps: state.steps,
});
