"use client";

const MOST = 2n ** 64n - 1n;

/** The seed a few further, around the ends of 64 bits; one that is no number stays. */
const moved = (seed: string, by: bigint): string =>
  /^\d{1,20}$/.test(seed) ? String(BigInt.asUintN(64, BigInt(seed) + by)) : seed;

/** Why a text is no seed; null where it is one. */
export const problemOfSeed = (seed: string): string | null =>
  /^\d{1,20}$/.test(seed.trim()) && BigInt(seed) <= MOST ? null : `A whole number from 0 to ${MOST}.`;

/** A seed of 64 bits, as text: a number would lose some of them. */
export function SeedField({
  value,
  problem,
  onChange,
}: {
  readonly value: string;
  readonly problem: string | null;
  readonly onChange: (value: string) => void;
}) {
  return (
    <div className="min-w-0">
      <label htmlFor="seed" className="block font-medium">
        Seed
      </label>
      <input
        id="seed"
        name="seed"
        inputMode="numeric"
        pattern="[0-9]{1,20}"
        maxLength={20}
        required
        autoComplete="off"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-describedby="seed-about"
        aria-invalid={problem !== null || undefined}
        className="mt-1 block min-h-9 w-full rounded border border-edge bg-raised px-2 aria-invalid:border-incompatible"
      />
      <div className="mt-1.5 flex gap-1.5 noscript:hidden">
        <Small onClick={() => onChange(moved(value, -1n))}>previous</Small>
        <Small onClick={() => onChange(moved(value, 1n))}>next</Small>
        <Small onClick={() => onChange(String(crypto.getRandomValues(new Uint32Array(1))[0]))}>random</Small>
      </div>
      <p
        id="seed-about"
        className={`mt-0.5 text-small ${problem === null ? "text-quiet" : "font-medium text-incompatible"}`}
      >
        {problem ?? "the noise that all begin with"}
      </p>
    </div>
  );
}

function Small({ onClick, children }: { readonly onClick: () => void; readonly children: string }) {
  return (
    <button
      type="button"
      onClick={onClick}
      aria-label={`${children} seed`}
      className="min-h-7 cursor-pointer rounded border border-line bg-raised px-2 text-small text-quiet hover:border-accent hover:text-accent"
    >
      {children}
    </button>
  );
}
