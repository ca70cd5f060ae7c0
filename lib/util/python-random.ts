/** Python's `random.Random(seed)`, as far as captions are drawn with it: MT19937, and how Python makes choices of its bits. */
export class PythonRandom {
  readonly #state = new Uint32Array(624);
  #at = 624;

  /** @param seed  a whole number below 2³² */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = 19_650_218;
    for (let i = 1; i < 624; i++) state[i] = Math.imul(1_812_433_253, state[i - 1]! ^ (state[i - 1]! >>> 30)) + i;
    let i = 1;
    const next = (): void => {
      if (++i < 624) return;
      state[0] = state[623]!;
      i = 1;
    };
    const mixed = (by: number): number => state[i]! ^ Math.imul(state[i - 1]! ^ (state[i - 1]! >>> 30), by);
    for (let k = 0; k < 624; k++, next()) state[i] = mixed(1_664_525) + seed;
    for (let k = 0; k < 623; k++, next()) state[i] = mixed(1_566_083_941) - i;
    state[0] = 0x8000_0000;
  }

  random(): number {
    const [high, low] = [this.#bits(27), this.#bits(26)];
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  randrange(end: number): number {
    const bits = Math.floor(Math.log2(end)) + 1;
    for (;;) {
      const drawn = this.#bits(bits);
      if (drawn < end) return drawn;
    }
  }

  choice<T>(list: readonly T[]): T {
    return list[this.randrange(list.length)]!;
  }

  /** Of a list of at most 21. */
  sample<T>(list: readonly T[], count: number): T[] {
    const pool = [...list];
    return Array.from({ length: count }, (_, i) => {
      const at = this.randrange(list.length - i);
      const drawn = pool[at]!;
      pool[at] = pool[list.length - i - 1]!;
      return drawn;
    });
  }

  #bits(count: number): number {
    if (this.#at === 624) this.#twist();
    let y = this.#state[this.#at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return ((y ^ (y >>> 18)) >>> 0) >>> (32 - count);
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < 624; i++) {
      const y = (state[i]! & 0x8000_0000) | (state[(i + 1) % 624]! & 0x7fff_ffff);
      state[i] = state[(i + 397) % 624]! ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
    }
    this.#at = 0;
  }
}
