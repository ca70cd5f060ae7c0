"use client";

interface DialProps {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly problem?: string | null;
  readonly disabled?: boolean;
  readonly onChange: (value: string) => void;
}

/** A number that can be typed or turned. Without scripts it can be typed. */
export function Dial({
  name,
  label,
  hint,
  value,
  min,
  max,
  step = 1,
  problem = null,
  disabled = false,
  onChange,
}: DialProps) {
  const about = `${name}-about`;
  return (
    <div className="min-w-0">
      <div className="flex items-baseline justify-between gap-2">
        <label htmlFor={name} className="font-medium">
          {label}
        </label>
        <input
          id={name}
          name={name}
          type="number"
          inputMode="decimal"
          required
          {...{ min, max, step, value }}
          readOnly={disabled}
          aria-describedby={about}
          aria-invalid={problem !== null || undefined}
          onChange={(event) => onChange(event.target.value)}
          className="w-20 rounded border border-edge bg-raised px-2 py-0.5 text-right read-only:text-quiet aria-invalid:border-incompatible"
        />
      </div>
      <input
        type="range"
        {...{ min, max, step }}
        value={value === "" ? min : value}
        disabled={disabled}
        aria-label={`${label}, as a slider`}
        tabIndex={-1}
        onChange={(event) => onChange(event.target.value)}
        className="mt-1.5 block w-full accent-accent disabled:opacity-40 noscript:hidden"
      />
      <p id={about} className={`text-small ${problem === null ? "text-quiet" : "font-medium text-incompatible"}`}>
        {problem ?? hint}
      </p>
    </div>
  );
}
