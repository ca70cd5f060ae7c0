import { Copy } from "../_islands/copy.tsx";

/** Lines to take away. */
export function Code({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className="relative rounded border border-line bg-sunken">
      <pre tabIndex={0} aria-label={label} className="overflow-x-auto p-3 pr-20 text-small whitespace-pre">
        {text}
      </pre>
      <span className="absolute top-1.5 right-1.5">
        <Copy text={text} label={`Copy: ${label}`} showLabel />
      </span>
    </div>
  );
}
