/**
 * A guide in plain loops over double numbers, written from docs/guide-file.md and not from lib/: no graph, no runtime, none of our
 * layers. It is slow, and there to contradict the fast one.
 */

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** [channels][pixels], row by row. */
interface Plane {
  readonly height: number;
  readonly width: number;
  readonly channels: readonly Float64Array[];
}

export interface PlainGuide {
  readonly metadata: ReadonlyMap<string, string>;
  readonly weights: ReadonlyMap<string, Numbers>;
}

export interface GuideInput {
  /** [C, H, W] */
  readonly latents: Numbers;
  readonly timestep: number;
  /** [T, D] */
  readonly text: Numbers;
  readonly guidanceScale: number;
}

/** The residuals in order, the one of the middle last: each [C, H, W]. */
export function plainResiduals(
  { metadata, weights }: PlainGuide,
  { latents, timestep, text, guidanceScale: w }: GuideInput,
): Numbers[] {
  const list = (key: string): unknown[] => [JSON.parse(metadata.get(key)!) as unknown].flat();
  const widths = list("widths") as number[];
  const attends = list("down_block_types").map((type) => type === "CrossAttnDownBlock2D");
  const given = list("layers_per_block") as number[];
  const layers = widths.map((_, level) => given[level] ?? given[0]!);
  const [wMax, wRef] = [Number(metadata.get("w_max")), Number(metadata.get("w_ref"))];

  const get = (name: string): Numbers => {
    const found = weights.get(name);
    if (!found) throw new Error(`no ${name}`);
    return found;
  };

  const linear = (path: string, x: Float64Array, bias = true): Float64Array => {
    const {
      data,
      shape: [out, into],
    } = get(`${path}.weight`) as Numbers & { shape: [number, number] };
    return Float64Array.from({ length: out }, (_, o) => {
      let sum = bias ? get(`${path}.bias`).data[o]! : 0;
      for (let i = 0; i < into; i++) sum += data[o * into + i]! * x[i]!;
      return sum;
    });
  };

  const conv = (path: string, x: Plane, stride = 1): Plane => {
    const {
      data,
      shape: [out, into, kernel],
    } = get(`${path}.weight`) as Numbers & { shape: [number, number, number, number] };
    const bias = get(`${path}.bias`).data;
    const [height, width, reach] = [Math.ceil(x.height / stride), Math.ceil(x.width / stride), (kernel - 1) / 2];
    const channels = Array.from({ length: out }, (_, o) => {
      const plane = new Float64Array(height * width);
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          let sum = bias[o]!;
          for (let i = 0; i < into; i++) {
            for (let ky = 0; ky < kernel; ky++) {
              const y = row * stride + ky - reach;
              if (y < 0 || y >= x.height) continue;
              for (let kx = 0; kx < kernel; kx++) {
                const at = column * stride + kx - reach;
                if (at >= 0 && at < x.width)
                  sum += data[((o * into + i) * kernel + ky) * kernel + kx]! * x.channels[i]![y * x.width + at]!;
              }
            }
          }
          plane[row * width + column] = sum;
        }
      }
      return plane;
    });
    return { height, width, channels };
  };

  const groupNorm = (path: string, x: Plane): Plane => {
    const count = x.channels.length;
    let groups = Math.max(1, Math.min(8, Math.floor(count / 4)));
    while (count % groups !== 0) groups--;
    const size = count / groups;
    const [scale, shift] = [get(`${path}.weight`).data, get(`${path}.bias`).data];
    const channels = x.channels.map((plane, c) => {
      const first = Math.floor(c / size) * size;
      const members = x.channels.slice(first, first + size);
      const n = size * plane.length;
      let mean = 0;
      for (const member of members) for (const value of member) mean += value / n;
      let variance = 0;
      for (const member of members) for (const value of member) variance += (value - mean) ** 2 / n;
      return plane.map((value) => ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[c]! + shift[c]!);
    });
    return { ...x, channels };
  };

  const silu = (value: number): number => value / (1 + Math.exp(-value));
  const mapped = (x: Plane, of: (value: number) => number): Plane => ({
    ...x,
    channels: x.channels.map((plane) => plane.map(of)),
  });
  const sum = (a: Plane, b: Plane): Plane => ({
    ...a,
    channels: a.channels.map((plane, c) => plane.map((value, i) => value + b.channels[c]![i]!)),
  });

  const embed = (path: string, value: number): Float64Array => {
    const half = Math.max(32, widths[0]!) >> 1;
    const angles = Float64Array.from({ length: half }, (_, k) => value * 10000 ** (-k / half));
    return linear(
      `${path}.linear_2`,
      linear(`${path}.linear_1`, Float64Array.from([...angles.map(Math.cos), ...angles.map(Math.sin)])).map(silu),
    );
  };
  const [ofTime, ofGuidance] = [
    embed("time_embedding", timestep),
    embed("guidance_embedding", (1000 * (w - 1)) / (wMax - 1)),
  ];
  const embedding = ofTime.map((value, i) => silu(value + ofGuidance[i]!));

  const residualBlock = (path: string, x: Plane): Plane => {
    const first = conv(`${path}.conv1`, mapped(groupNorm(`${path}.norm1`, x), silu));
    const shift = linear(`${path}.time_emb_proj`, embedding);
    const shifted = { ...first, channels: first.channels.map((plane, c) => plane.map((value) => value + shift[c]!)) };
    const second = conv(`${path}.conv2`, mapped(groupNorm(`${path}.norm2`, shifted), silu));
    return sum(second, first.channels.length === x.channels.length ? x : conv(`${path}.conv_shortcut`, x));
  };

  const [tokens, textWidth] = text.shape as [number, number];
  const words = Array.from({ length: tokens }, (_, i) =>
    Float64Array.from({ length: textWidth }, (__, d) => text.data[i * textWidth + d]!),
  );
  const attention = (path: string, x: Plane): Plane => {
    const normal = groupNorm(`${path}.norm`, x);
    const [keys, values] = ["to_k", "to_v"].map((name) =>
      words.map((word) => linear(`${path}.${name}`, word, false)),
    ) as [Float64Array[], Float64Array[]];
    const out = x.channels.map((plane) => Float64Array.from(plane));
    for (let pixel = 0; pixel < x.height * x.width; pixel++) {
      const query = linear(
        `${path}.to_q`,
        Float64Array.from(normal.channels, (plane) => plane[pixel]!),
        false,
      );
      const scores = keys.map(
        (key) => key.reduce((dot, value, i) => dot + value * query[i]!, 0) / Math.sqrt(query.length),
      );
      const most = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - most));
      const whole = shares.reduce((total, share) => total + share, 0);
      const mixed = Float64Array.from(query, (_, i) =>
        values.reduce((total, value, t) => total + (shares[t]! / whole) * value[i]!, 0),
      );
      linear(`${path}.to_out`, mixed).forEach((value, c) => (out[c]![pixel]! += value));
    }
    return { ...x, channels: out };
  };

  const [inChannels, height, width] = latents.shape as [number, number, number];
  const size = height * width;
  let h: Plane = {
    height,
    width,
    channels: Array.from({ length: inChannels }, (_, c) =>
      Float64Array.from({ length: size }, (__, i) => latents.data[c * size + i]!),
    ),
  };
  h = conv("conv_in", h);
  const stages = [h];
  widths.forEach((_, level) => {
    for (let j = 0; j < layers[level]!; j++) {
      h = residualBlock(`down_blocks.${level}.resnets.${j}`, h);
      if (attends[level] && j === layers[level]! - 1) h = attention(`down_blocks.${level}.attentions.0`, h);
      stages.push(h);
    }
    if (level === widths.length - 1) return;
    h = conv(`down_blocks.${level}.downsamplers.0`, h, 2);
    stages.push(h);
  });
  h = residualBlock(
    "mid_block.resnets.1",
    attention("mid_block.attentions.0", residualBlock("mid_block.resnets.0", h)),
  );

  const gate = (w - 1) / (wRef - 1);
  const gated = (path: string, stage: Plane): Numbers => {
    const out = mapped(conv(path, stage), (value) => gate * value);
    return {
      shape: [out.channels.length, out.height, out.width],
      data: Float64Array.from(out.channels.flatMap((plane) => [...plane])),
    };
  };
  return [...stages.map((stage, k) => gated(`zero_convs.${k}`, stage)), gated("mid_zero_conv", h)];
}
