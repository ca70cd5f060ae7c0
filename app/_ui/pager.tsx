import { ButtonLink } from "./button.tsx";

/** To the next part of a list and back to its start. Where there is one part only it is not there. */
export function Pager({
  first,
  next,
  what,
}: {
  readonly first: string | null;
  readonly next: string | null;
  readonly what: string;
}) {
  if (first === null && next === null) return null;
  return (
    <nav aria-label={`More ${what}`} className="mt-6 flex justify-between gap-3">
      {first === null ? <span /> : <ButtonLink href={first}>Back to the start</ButtonLink>}
      {next !== null && (
        <ButtonLink href={next} rel="next">
          More {what}
        </ButtonLink>
      )}
    </nav>
  );
}
