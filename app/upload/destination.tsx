import { type FormEvent, useState } from "react";
import { can, kindNames, kinds } from "#lib/catalog/kinds.ts";
import type { NewRepo, RepoItem } from "#lib/catalog/repos/schema.ts";
import { Button } from "../_ui/button.tsx";
import { Field, SelectField } from "../_ui/field.tsx";
import { Notice } from "../_ui/notice.tsx";

/** A repo of one's own that files may go into. */
export interface OwnRepo {
  readonly name: string;
  readonly kind: RepoItem["kind"];
}

export type Wanted = { readonly repo: string } | { readonly create: NewRepo };

const licenses = [
  "apache-2.0",
  "mit",
  "cc-by-4.0",
  "cc-by-sa-4.0",
  "cc-by-nc-4.0",
  "openrail",
  "creativeml-openrail-m",
  "openrail++",
];

interface DestinationProps {
  /** Where it goes without a question; null where that is asked. */
  readonly given: string | null;
  /** Some of these files were begun to it before. */
  readonly begunAt: string | null;
  readonly owners: readonly string[];
  readonly mine: readonly OwnRepo[];
  readonly bases: readonly string[];
  readonly suggested: { readonly name: string; readonly kind: RepoItem["kind"] | null; readonly base: string | null };
  /** What the button does, in words; null where nothing can be sent. */
  readonly action: string | null;
  readonly problem: string | null;
  readonly onSend: (wanted: Wanted) => void;
  readonly onOther: () => void;
}

/** Where it goes: a new repo, one of one's own, or the one to which it was begun. */
export function Destination({
  given,
  begunAt,
  owners,
  mine,
  bases,
  suggested,
  action,
  problem,
  onSend,
  onOther,
}: DestinationProps) {
  const [into, setInto] = useState<"begun" | "new" | "mine">(begunAt ? "begun" : "new");
  const [kind, setKind] = useState(suggested.kind ?? "finetune");
  const onSubmit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => String(form.get(name) ?? "").trim();
    const [base, license] = [text("base"), text("license")];
    if (given) onSend({ repo: given });
    else if (into === "begun") onSend({ repo: begunAt! });
    else if (into === "mine") onSend({ repo: text("repo") });
    else
      onSend({
        create: {
          owner: text("owner"),
          name: text("name"),
          kind,
          visibility: text("visibility") as "private",
          ...(base && { base }),
          ...(license && { license }),
        },
      });
  };
  const choice = (value: typeof into, label: string) => (
    <label className="flex min-h-9 cursor-pointer items-center gap-2 [overflow-wrap:anywhere]">
      <input
        type="radio"
        name="into"
        value={value}
        checked={into === value}
        onChange={() => setInto(value)}
        className="accent-accent"
      />
      <span className="min-w-0">{label}</span>
    </label>
  );
  return (
    <form onSubmit={onSubmit} className="rounded border border-line bg-raised p-4" aria-labelledby="where">
      <h2 id="where" className="text-title">
        Where it goes
      </h2>
      {given ? (
        <p className="mt-2 [overflow-wrap:anywhere]">
          Into <code>{given}</code>. Files of the same name are replaced by a new commit; the old ones stay in its
          history.
        </p>
      ) : (
        (begunAt !== null || mine.length > 0) && (
          <fieldset className="mt-1">
            <legend className="sr-only">Into</legend>
            {begunAt && choice("begun", `Resume ${begunAt}`)}
            {choice("new", "A new repo")}
            {mine.length > 0 && choice("mine", "One of your repos")}
          </fieldset>
        )
      )}
      {!given && into === "begun" && (
        <p className="mt-2 text-quiet">It was begun in this browser. What has arrived is not sent again.</p>
      )}
      {!given && into === "mine" && (
        <SelectField name="repo" label="Repo" hint="Files of the same name are replaced by a new commit.">
          {mine.map(({ name, kind: of }) => (
            <option key={name} value={name}>
              {name} · {kinds[of].name}
            </option>
          ))}
        </SelectField>
      )}
      {!given && into === "new" && (
        <div className="[&>div]:my-3">
          <Field
            name="name"
            label="Name"
            required
            maxLength={96}
            pattern="[A-Za-z0-9_]([A-Za-z0-9._\-]*[A-Za-z0-9_])?"
            title="Letters, digits, “-”, “_” and “.”, with a letter, digit or “_” at both ends"
            defaultValue={suggested.name}
            autoComplete="off"
            spellCheck={false}
          />
          {owners.length > 1 ? (
            <SelectField name="owner" label="Owner">
              {owners.map((owner) => (
                <option key={owner}>{owner}</option>
              ))}
            </SelectField>
          ) : (
            <input type="hidden" name="owner" value={owners[0]} />
          )}
          <SelectField
            name="kind"
            label="Kind"
            value={kind}
            onChange={({ target }) => setKind(target.value as typeof kind)}
            hint={suggested.kind ? undefined : "Nothing in it says what it is."}
          >
            {kindNames.map((name) => (
              <option key={name} value={name}>
                {kinds[name].name}
              </option>
            ))}
          </SelectField>
          {can({ kind }, "hasBase") && (
            <SelectField name="base" label="Made for" defaultValue={suggested.base ?? ""}>
              <option value="">let the hub find the base</option>
              {bases.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </SelectField>
          )}
          <SelectField name="visibility" label="Who may see it" defaultValue="private">
            <option value="private">private: you, and who you add</option>
            <option value="public">public: everybody on this hub</option>
          </SelectField>
          <Field
            name="license"
            label="Licence, if it has one"
            maxLength={100}
            list="licenses"
            placeholder="apache-2.0"
            autoComplete="off"
          />
          <datalist id="licenses">
            {licenses.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
      )}
      {problem && (
        <div className="mt-4">
          <Notice kind="bad" alert>
            {problem}
          </Notice>
        </div>
      )}
      <div className="mt-4 flex flex-wrap gap-3">
        <Button type="submit" look="primary" disabled={action === null}>
          {action ?? "Nothing to upload"}
        </Button>
        <Button onClick={onOther}>Choose something else</Button>
      </div>
    </form>
  );
}

/** As a repo may be called. */
export function toName(text: string): string {
  const name = text
    .normalize("NFKD")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replaceAll(/-{2,}/g, "-")
    .replaceAll(/\.{2,}/g, ".")
    .slice(0, 96)
    .replace(/\.git$/i, "");
  const isMark = (sign: string | undefined): boolean => sign === "." || sign === "-";
  let [begin, end] = [0, name.length];
  while (isMark(name[begin])) begin++;
  while (end > begin && isMark(name[end - 1])) end--;
  return name.slice(begin, end);
}
