import { Copy } from "../_islands/copy.tsx";

/** The first twelve digits of a hash, and all of it for the clipboard. */
export function Hash({ sha256, what = "sha256" }: { readonly sha256: string; readonly what?: string }) {
  return (
    <span className="inline-flex items-center gap-1 whitespace-nowrap">
      <code title={sha256}>{sha256.slice(0, 12)}</code>
      <Copy text={sha256} label={`Copy the whole ${what}`} />
    </span>
  );
}
