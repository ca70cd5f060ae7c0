"use client";

import { type DragEvent, type FormEvent, useEffect, useRef, useState } from "react";
import { toBytes, toDuration } from "../_page/units.ts";
import { Button } from "../_ui/button.tsx";
import { Field, SelectField } from "../_ui/field.tsx";
import { Notice } from "../_ui/notice.tsx";
import { Progress } from "../_ui/progress.tsx";
import { type Chosen, fromDrop, fromInput } from "./dropped-files.ts";
import { FileList } from "./file-list.tsx";
import { createRepo, Refusal } from "./hub-api.ts";
import { forget, unfinished } from "./memory.ts";
import { type Recognised, recognise } from "./recognise.ts";
import { type FileProgress, sendAll } from "./send.ts";

export interface UploaderProps {
  /** An existing repo that files go into; null: a new one. */
  readonly repo: string | null;
  /** Names under which whoever is signed in may make repos, their own first. */
  readonly owners: readonly string[];
  /** The bases of this hub with the sha256 of their weights, so that a guide's base is named at once. */
  readonly bases: readonly { readonly name: string; readonly files: readonly string[] }[];
}

type Phase = "choose" | "check" | "sending" | "paused" | "done";

/** Choose → see what it is → say where it goes → send. Nothing is sent before the last button is pressed. */
export function Uploader({ repo: given, owners, bases }: UploaderProps) {
  const [phase, setPhase] = useState<Phase>("choose");
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [facts, setFacts] = useState<Recognised | null>(null);
  const [progress, setProgress] = useState<ReadonlyMap<string, FileProgress>>(new Map());
  const [problem, setProblem] = useState<string | null>(null);
  const [begun, setBegun] = useState<readonly string[]>([]);
  const [target, setTarget] = useState<string | null>(given);
  const [isOver, setIsOver] = useState(false);
  const stop = useRef<AbortController | null>(null);
  const began = useRef({ at: 0, sent: 0 });

  useEffect(() => setBegun(unfinished()), []);
  useEffect(() => {
    if (phase !== "sending") return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault(); // what has arrived stays, what is on its way is sent again
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [phase]);

  const choose = async (next: Chosen): Promise<void> => {
    if (next.files.length === 0) return setProblem("There was no file in it; choose a folder with a model, or a .safetensors file.");
    setProblem(null);
    setChosen(next);
    setFacts(await recognise(next));
    setPhase("check");
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setIsOver(false);
    void fromDrop(event.dataTransfer.items).then(choose);
  };

  const sendable = chosen && facts ? chosen.files.filter(({ path }) => facts.files.find((file) => file.path === path)?.problem === null) : [];
  const total = sendable.reduce((sum, { file }) => sum + file.size, 0);
  const sent = [...progress.values()].reduce((sum, each) => sum + each.sent, 0);

  const send = async (to: string): Promise<void> => {
    stop.current = new AbortController();
    began.current = { at: performance.now(), sent };
    setProblem(null);
    setPhase("sending");
    try {
      const problems = await sendAll(to, sendable, (path, at) => setProgress((all) => new Map(all).set(path, at)), stop.current.signal);
      if (problems.length > 0) {
        setProblem(`${problems[0]}${problems.length > 1 ? ` And ${problems.length - 1} more.` : ""} What has arrived is kept; nothing was committed yet.`);
        return setPhase("paused");
      }
      setPhase("done");
      location.href = `/${to}`;
    } catch (cause) {
      if (stop.current.signal.aborted) return setPhase("paused");
      setProblem(cause instanceof Refusal ? cause.message : `The hub could not be reached (${(cause as Error).message}). What has arrived is kept; go on when it is back.`);
      setPhase("paused");
    }
  };
  const onSubmit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (target) return send(target);
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => String(form.get(name) ?? "").trim();
    const [owner, name] = [text("owner"), text("name")];
    try {
      const base = text("base");
      await createRepo({ owner, name, kind: text("kind") as "finetune", visibility: text("visibility") as "private", ...(base && { base }), ...(text("license") && { license: text("license") }) }, new AbortController().signal);
    } catch (cause) {
      // It was made by an upload that was cut off: then what is here goes on into it.
      if (!(cause instanceof Refusal && cause.status === 409 && begun.includes(`${owner}/${name}`))) return setProblem((cause as Error).message);
    }
    setTarget(`${owner}/${name}`);
    await send(`${owner}/${name}`);
  };
  const startOver = (): void => {
    setPhase("choose");
    setFacts(null);
    setProgress(new Map());
    setProblem(null);
    setTarget(given);
  };

  if (phase === "choose" || !facts) {
    return (
      <div className="space-y-6">
        {begun.map((repo) => (
          <Notice key={repo}>
            An upload to <code>{repo}</code> was begun in this browser and not finished. Choose the same folder or file again: what has arrived is not sent again.{" "}
            <Button look="quiet" onClick={() => (forget(repo), setBegun(unfinished()))}>
              Forget it
            </Button>
          </Notice>
        ))}
        <div onDragOver={(event) => (event.preventDefault(), setIsOver(true))} onDragLeave={() => setIsOver(false)} onDrop={onDrop} className={`rounded border-2 border-dashed p-10 text-center ${isOver ? "border-accent bg-tint" : "border-edge"}`}>
          <p className="text-title">Drop a model folder, a LoRA, a guide, or a single .safetensors file here</p>
          <p className="mt-1 text-quiet">It is read in your browser first: you see what it is before a byte is sent.</p>
          <div className="mt-5 flex flex-wrap justify-center gap-3">
            <Picker label="Choose a folder" folder onChosen={(list) => void choose(fromInput(list))} />
            <Picker label="Choose files" onChosen={(list) => void choose(fromInput(list))} />
          </div>
        </div>
        {problem && (
          <Notice kind="bad" alert>
            {problem}
          </Notice>
        )}
      </div>
    );
  }

  const unsendable = facts.files.filter((file) => file.problem !== null).length;
  const base = facts.guideBase ? bases.find(({ files }) => files.includes(facts.guideBase!)) : undefined;
  return (
    <div className="space-y-6">
      <Notice kind={facts.kind ? "good" : "careful"}>
        <p className="font-medium">{facts.sentence}</p>
        {facts.guideBase && <p>{base ? `It was made for ${base.name}.` : "It names base weights that this hub does not have; upload that base too, else nothing can be measured."}</p>}
        {facts.kind === "finetune" && <p>The hub finds the base that it was made from by its weights, once it has read them.</p>}
      </Notice>
      {facts.problem && <Notice kind="bad">{facts.problem}</Notice>}
      {unsendable > 0 && (
        <Notice kind="careful">
          {unsendable === 1 ? "One file" : `${unsendable} files`} cannot be sent as {unsendable === 1 ? "it is" : "they are"}; the reason stands beside {unsendable === 1 ? "it" : "each"}. {sendable.length > 0 ? "The rest can." : ""}
        </Notice>
      )}
      {problem && (
        <Notice kind="bad" alert>
          {problem}
        </Notice>
      )}
      {phase === "sending" || phase === "paused" || phase === "done" ? (
        <Sending phase={phase} sent={sent} total={total} began={began.current} onPause={() => stop.current?.abort(new Error("paused"))} onResume={() => void send(target!)} onCancel={() => (stop.current?.abort(new Error("cancelled")), startOver())} />
      ) : (
        <form onSubmit={(event) => void onSubmit(event)} className="max-w-[56ch]">
          {target ? (
            <p>
              Goes into <code>{target}</code>.
            </p>
          ) : (
            <>
              <div className="grid gap-x-4 sm:grid-cols-2">
                <SelectField name="owner" label="Owner">
                  {owners.map((owner) => (
                    <option key={owner}>{owner}</option>
                  ))}
                </SelectField>
                <Field name="name" label="Name" required maxLength={96} defaultValue={toName(chosen?.name ?? "")} autoComplete="off" />
                <SelectField name="kind" label="It is a" defaultValue={facts.kind ?? "finetune"}>
                  <option value="finetune">fine-tune</option>
                  <option value="guide">guide</option>
                  <option value="base">base</option>
                </SelectField>
                <SelectField name="visibility" label="Who may see it" defaultValue="private">
                  <option value="private">only you, for now</option>
                  <option value="public">everybody on this hub</option>
                </SelectField>
                <SelectField name="base" label="Made from (if you know it)" defaultValue={base?.name ?? ""}>
                  <option value="">let the hub find it</option>
                  {bases.map(({ name }) => (
                    <option key={name}>{name}</option>
                  ))}
                </SelectField>
                <Field name="license" label="Licence (if any)" maxLength={100} placeholder="apache-2.0" />
              </div>
            </>
          )}
          <div className="mt-4 flex flex-wrap gap-3">
            <Button type="submit" look="primary" disabled={sendable.length === 0 || facts.problem !== null}>
              Upload {sendable.length === 1 ? "it" : `${sendable.length} files`}, {toBytes(total)}
            </Button>
            <Button onClick={startOver}>Choose something else</Button>
          </div>
        </form>
      )}
      <FileList files={facts.files} progress={progress} />
    </div>
  );
}

function Picker({ label, folder = false, onChosen }: { readonly label: string; readonly folder?: boolean; readonly onChosen: (files: FileList) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button look={folder ? "primary" : "secondary"} onClick={() => input.current?.click()}>
        {label}
      </Button>
      <input ref={input} type="file" multiple hidden aria-label={label} {...(folder && { webkitdirectory: "" })} onChange={(event) => event.target.files && event.target.files.length > 0 && onChosen(event.target.files)} />
    </>
  );
}

interface SendingProps {
  readonly phase: Phase;
  readonly sent: number;
  readonly total: number;
  readonly began: { readonly at: number; readonly sent: number };
  readonly onPause: () => void;
  readonly onResume: () => void;
  readonly onCancel: () => void;
}

function Sending({ phase, sent, total, began, onPause, onResume, onCancel }: SendingProps) {
  const seconds = Math.max(0.5, (performance.now() - began.at) / 1000);
  const speed = (sent - began.sent) / seconds;
  const quarter = Math.floor((4 * sent) / Math.max(1, total)) * 25;
  const words = phase === "done" ? "All of it is there; opening its page…" : phase === "paused" ? `Paused at ${toBytes(sent)} of ${toBytes(total)}. What has arrived is kept.` : sent >= total ? "All bytes are there; the hub reads them." : `${toBytes(sent)} of ${toBytes(total)}${speed > 0 ? `, ${toBytes(speed)}/s, ${toDuration((total - sent) / speed)} left` : ""}`;
  return (
    <section aria-label="Sending" className="rounded border border-line bg-raised p-4">
      <p>{words}</p>
      <p role="status" className="sr-only">
        {phase === "paused" ? "Paused" : `${quarter} % sent`}
      </p>
      <div className="my-3">
        <Progress label="All of it sent" value={sent} max={Math.max(1, total)} />
      </div>
      <div className="flex flex-wrap gap-3">
        {phase === "sending" && <Button onClick={onPause}>Pause</Button>}
        {phase === "paused" && (
          <Button look="primary" onClick={onResume}>
            Go on
          </Button>
        )}
        {phase !== "done" && <Button onClick={onCancel}>Stop and choose something else</Button>}
      </div>
    </section>
  );
}

/** As a repo may be called. */
const toName = (text: string): string =>
  text
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replaceAll(/-{2,}/g, "-")
    .replaceAll(/\.{2,}/g, ".")
    .replaceAll(/^[.-]+|[.-]+$/g, "")
    .slice(0, 96);
