import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import type { Schedule } from "../schedule.ts";
import type { SettingName } from "../schedule-settings.ts";

/** x̂0 → x̂0 within bounds. */
type Limit = (clean: FloatTensor) => FloatTensor;

export const clipSettings: readonly SettingName[] = ["clipSample", "clipRange"];
export const thresholdSettings: readonly SettingName[] = ["thresholding", "thresholdQuantile", "thresholdMax"];

/** What `clip_sample` asks for; null where nothing is clipped. `byDefault` holds where the file is silent. */
export function clipOf({ settings }: Schedule, byDefault: boolean): Limit | null {
  if (!(settings.clipSample ?? byDefault)) return null;
  const range = settings.clipRange ?? 1;
  return (clean) =>
    tensor(
      clean.data.map((value) => Math.min(Math.max(value, -range), range)),
      clean.shape,
    );
}

/**
 * What `thresholding` asks for; null where it is off. Saharia et al. 2022 (arXiv 2205.11487), section 2.3: each picture
 * is clipped to ±s, where s is a quantile of its |x̂0| within 1 … max, and divided by s.
 */
export function thresholdOf({ settings }: Schedule): Limit | null {
  if (settings.thresholding !== true) return null;
  const [share, most] = [settings.thresholdQuantile ?? 0.995, settings.thresholdMax ?? 1];
  return (clean) => {
    const out = Float32Array.from(clean.data);
    const size = out.length / clean.shape[0]!;
    for (let begin = 0; begin < out.length; begin += size) {
      const picture = out.subarray(begin, begin + size);
      const bound = Math.min(Math.max(quantile(picture.map(Math.abs).toSorted(), share), 1), most);
      for (let i = 0; i < size; i++) picture[i] = Math.min(Math.max(picture[i]!, -bound), bound) / bound;
    }
    return tensor(out, clean.shape);
  };
}

/** Between two values it is linear, as in torch. */
function quantile(rising: Float32Array, share: number): number {
  const place = share * (rising.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, rising.length - 1);
  return rising[below]! + (place - below) * (rising[above]! - rising[below]!);
}
