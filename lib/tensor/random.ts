import { AppError } from "#lib/errors.ts";
import { type FloatTensor, sizeOf, tensor } from "./tensor.ts";

/** A stream of random numbers. Each draw continues where the last one stopped. */
export interface Generator {
  /** Unit normal values: what `torch.randn(shape, generator=…)` draws next on a CPU in float32, to 1e-6. */
  randn(shape: readonly number[]): FloatTensor;
  /** The next 32 bits of the engine, as an integer 0 … 2³² − 1. */
  uint32(): number;
}

/**
 * The stream that `torch.Generator().manual_seed(seed)` starts. The engine is MT19937 and takes the low 32 bits of the seed.
 *
 * @param seed  an integer −2⁶³ … 2⁶⁴ − 1; as a `number` no larger than 2⁵³ − 1, beyond which it would not be exact
 */
export function createGenerator(seed: number | bigint): Generator {
  const uint32 = mersenneTwister(lowBits(seed));
  const nextNormal = normals(uint32);
  const randn = (shape: readonly number[]): FloatTensor => {
    const values = new Float32Array(sizeOf(shape));
    if (values.length >= BLOCK) fillBlocks(values, uint32);
    else for (let i = 0; i < values.length; i++) values[i] = nextNormal();
    return tensor(values, shape);
  };
  return { randn, uint32 };
}

function lowBits(seed: number | bigint): number {
  const exact = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (!exact || seed < -(2n ** 63n) || seed >= 2n ** 64n) {
    const sentence = `The seed ${seed} is not a whole number from 0 to ${2n ** 64n - 1n}; choose one in that range.`;
    throw new AppError("bad_request", sentence, { seed: String(seed) });
  }
  return Number(BigInt.asUintN(32, BigInt(seed)));
}

// torch fills from 16 elements on in blocks, and draws fewer one by one: two different streams of the same seed.
const BLOCK = 16;

/**
 * Box–Muller on blocks of 16 uniforms, in place: (1 − x_j, x_{j+8}) → (r cos θ, r sin θ), r = √(−2 ln u₁), θ = 2π u₂. Where the
 * size is no multiple of 16, the last 16 values are drawn again, over what the blocks left there.
 */
function fillBlocks(values: Float32Array, uint32: () => number): void {
  const fill = (part: Float32Array): void => {
    for (let i = 0; i < part.length; i++) part[i] = uniform24(uint32);
  };
  fill(values);
  for (let begin = 0; begin + BLOCK <= values.length; begin += BLOCK) toNormal(values.subarray(begin, begin + BLOCK));
  if (values.length % BLOCK === 0) return;
  const tail = values.subarray(-BLOCK);
  fill(tail);
  toNormal(tail);
}

const TWO_PI = Math.fround(2 * Math.PI);

function toNormal(block: Float32Array): void {
  for (let j = 0; j < BLOCK / 2; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - block[j]!));
    const theta = Math.fround(TWO_PI * block[j + BLOCK / 2]!); // rounded as in torch: without it values are off by up to 1.7e-6
    block[j] = radius * Math.cos(theta);
    block[j + BLOCK / 2] = radius * Math.sin(theta);
  }
}

/** Box–Muller one by one in float64. The second value of a pair waits for the next call, be it in this draw or a later one. */
function normals(uint32: () => number): () => number {
  let waiting: number | null = null;
  return () => {
    if (waiting !== null) {
      const value = waiting;
      waiting = null;
      return value;
    }
    const theta = 2 * Math.PI * uniform53(uint32);
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53(uint32)));
    waiting = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  };
}

/** [0, 1) in steps of 2⁻²⁴, from the low bits of one draw. */
export const uniform24 = (uint32: () => number): number => (uint32() & 0xff_ffff) * 2 ** -24;

/** [0, 1) in steps of 2⁻⁵³, from the low bits of two draws, high word first. */
function uniform53(uint32: () => number): number {
  const high = uint32() & 0x1f_ffff;
  return (high * 2 ** 32 + uint32()) * 2 ** -53;
}

/** MT19937 (Matsumoto & Nishimura 1998), seeded as its authors' `init_genrand` of 2002. */
function mersenneTwister(seed: number): () => number {
  const SIZE = 624;
  const SHIFT = 397;
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) {
    const last = state[i - 1]!;
    state[i] = Math.imul(1_812_433_253, last ^ (last >>> 30)) + i;
  }
  let next = SIZE;

  const twist = (): void => {
    for (let i = 0; i < SIZE; i++) {
      const bits = (state[i]! & 0x8000_0000) | (state[(i + 1) % SIZE]! & 0x7fff_ffff);
      state[i] = state[(i + SHIFT) % SIZE]! ^ (bits >>> 1) ^ (bits & 1 ? 0x9908_b0df : 0);
    }
    next = 0;
  };

  return () => {
    if (next === SIZE) twist();
    let bits = state[next++]!;
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c_5680;
    bits ^= (bits << 15) & 0xefc6_0000;
    return (bits ^ (bits >>> 18)) >>> 0;
  };
}
