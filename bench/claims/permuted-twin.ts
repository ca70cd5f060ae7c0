import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { shuffled, type Tensors } from "../verdicts/weights.ts";

/** Of a UNet's config.json. */
export interface Shape {
  readonly block_out_channels: readonly number[];
  readonly norm_num_groups: number;
}

/** A dimension of a tensor, and the widths of the streams that lie in it one behind the other. */
interface Place {
  readonly tensor: string;
  readonly axis: 0 | 1;
  readonly streams: readonly number[];
}

/**
 * The same function with other channels: what flows from block to block, and so over the skips to which a guide adds, has its channels in
 * another order, each within its groups of every norm that reads it. A guide that works on the base alone by shape does harm here.
 */
export function permuteStreams(tensors: Tensors, config: Shape, random: () => number): void {
  const places = placesOf(tensors, config);
  const norms = places.filter(({ tensor }) => /norm(?:1|_out)?\.weight$/.test(tensor));
  const orders = new Map(
    config.block_out_channels.map((width) => [width, orderOf(width, norms, config.norm_num_groups, random)]),
  );
  for (const { tensor, axis, streams } of places) {
    let offset = 0;
    const order = streams.flatMap((width) => {
      const own = orders.get(width)!.map((channel) => channel + offset);
      offset += width;
      return own;
    });
    reorder(tensors.get(tensor)!, axis, order);
  }
}

/** Channels change places between two borders of groups, whichever norm has them. */
function orderOf(width: number, norms: readonly Place[], groups: number, random: () => number): number[] {
  const borders = new Set([0, width]);
  for (const { streams } of norms) {
    const size = streams.reduce((sum, one) => sum + one, 0) / groups;
    let offset = 0;
    for (const one of streams) {
      if (one === width) for (let border = 0; border <= groups; border++) borders.add(border * size - offset);
      offset += one;
    }
  }
  const sorted = [...borders].filter((border) => border >= 0 && border <= width).toSorted((a, b) => a - b);
  return sorted.slice(1).flatMap((end, i) => {
    const begin = sorted[i]!;
    return shuffled(
      Array.from({ length: end - begin }, (_, k) => begin + k),
      random,
    );
  });
}

/** All that reads or writes a stream, of a UNet as diffusers writes it. */
function placesOf(tensors: Tensors, { block_out_channels: widths }: Shape): Place[] {
  const places: Place[] = [];
  const add = (tensor: string, axis: 0 | 1, streams: readonly number[]): void => {
    if (tensors.has(tensor)) places.push({ tensor, axis, streams });
  };
  const writes = (part: string, width: number): void => {
    add(`${part}.weight`, 0, [width]);
    add(`${part}.bias`, 0, [width]);
  };
  const normalises = (part: string, streams: readonly number[]): void => {
    add(`${part}.weight`, 0, streams);
    add(`${part}.bias`, 0, streams);
  };
  const resnet = (name: string, from: readonly number[], to: number): void => {
    normalises(`${name}.norm1`, from);
    add(`${name}.conv1.weight`, 1, from);
    writes(`${name}.conv2`, to);
    add(`${name}.conv_shortcut.weight`, 1, from);
    writes(`${name}.conv_shortcut`, to);
  };
  const attention = (name: string, width: number): void => {
    normalises(`${name}.norm`, [width]);
    add(`${name}.proj_in.weight`, 1, [width]);
    writes(`${name}.proj_out`, width);
  };
  const resize = (name: string, width: number): void => {
    add(`${name}.conv.weight`, 1, [width]);
    writes(`${name}.conv`, width);
  };
  const countOf = (block: string, part: string): number =>
    [...tensors.keys()].filter((name) => new RegExp(`^${block}\\.${part}\\.\\d+\\.norm1?\\.weight$`).test(name)).length;

  writes("conv_in", widths[0]!);
  const skips = [widths[0]!];
  let flow = widths[0]!;
  for (const [level, width] of widths.entries()) {
    const block = `down_blocks.${level}`;
    for (let i = 0; i < countOf(block, "resnets"); i++) {
      resnet(`${block}.resnets.${i}`, [flow], width);
      attention(`${block}.attentions.${i}`, width);
      skips.push((flow = width));
    }
    if (tensors.has(`${block}.downsamplers.0.conv.weight`)) {
      resize(`${block}.downsamplers.0`, width);
      skips.push(width);
    }
  }
  resnet("mid_block.resnets.0", [flow], flow);
  attention("mid_block.attentions.0", flow);
  resnet("mid_block.resnets.1", [flow], flow);
  for (const [level, width] of widths.toReversed().entries()) {
    const block = `up_blocks.${level}`;
    for (let i = 0; i < countOf(block, "resnets"); i++) {
      resnet(`${block}.resnets.${i}`, [flow, skips.pop()!], width);
      attention(`${block}.attentions.${i}`, width);
      flow = width;
    }
    resize(`${block}.upsamplers.0`, width);
  }
  normalises("conv_norm_out", [flow]);
  add("conv_out.weight", 1, [flow]);
  return places;
}

function reorder({ data, shape }: FloatTensor, axis: 0 | 1, order: readonly number[]): void {
  const rows = axis === 0 ? 1 : shape[0]!;
  const inner = data.length / rows / order.length;
  const before = data.slice();
  for (let row = 0; row < rows; row++) {
    for (const [to, from] of order.entries()) {
      const begin = (row * order.length + from) * inner;
      data.set(before.subarray(begin, begin + inner), (row * order.length + to) * inner);
    }
  }
}
