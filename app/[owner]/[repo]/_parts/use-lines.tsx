import { Code } from "../../../_ui/code.tsx";

interface UseProps {
  /** Of this hub, without a slash at the end. */
  readonly hub: string;
  readonly fullName: string;
  readonly revision: string;
  readonly path: string;
  readonly isPrivate: boolean;
}

/** Lines to take away, with the real names. */
export function DownloadLines({ hub, fullName, revision, path, isPrivate }: UseProps) {
  const address = `${hub}/${fullName}/resolve/${encodeURIComponent(revision)}/${path.split("/").map(encodeURIComponent).join("/")}`;
  const token = isPrivate ? '-H "Authorization: Bearer $HF_TOKEN" ' : "";
  return (
    <div className="space-y-3">
      <Code label="Download with curl" text={`curl -L ${token}-o '${path.split("/").at(-1)!.replaceAll("'", "")}' '${address}'`} />
      <Code label="Download with hf" text={`HF_ENDPOINT=${hub} hf download ${fullName} '${path}'${revision === "main" ? "" : ` --revision '${revision}'`}`} />
      {isPrivate && (
        <p className="text-small text-quiet">
          It is private: set <code>HF_TOKEN</code> to an <a href="/settings">access token</a> that may read.
        </p>
      )}
    </div>
  );
}
