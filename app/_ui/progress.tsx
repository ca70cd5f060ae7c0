/** How far something is. `value` and `max` null: it is not known. The words beside it say the same. */
export function Progress({
  label,
  value,
  max,
}: {
  readonly label: string;
  readonly value: number | null;
  readonly max: number | null;
}) {
  const share = value !== null && max ? Math.min(1, value / max) : null;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(share !== null && { "aria-valuenow": Math.round(share * 100) })}
      className="h-1.5 overflow-hidden rounded-full bg-line"
    >
      <div
        className={`h-full rounded-full bg-accent ${share === null ? "w-1/4 animate-pulse" : "transition-[width] duration-200"}`}
        style={share === null ? undefined : { width: `${share * 100}%` }}
      />
    </div>
  );
}
