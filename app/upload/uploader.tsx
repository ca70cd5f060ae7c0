"use client";

import { useEffect, useMemo, useRef, useState } from "react";
import type { NewRepo } from "#lib/catalog/repos/schema.ts";
import { toBytes, toCount, toPlural } from "../_page/units.ts";
import { Button } from "../_ui/button.tsx";
import { Facts } from "../_ui/facts.tsx";
import { Notice } from "../_ui/notice.tsx";
import { Destination, type OwnRepo, toName, type Wanted } from "./destination.tsx";
import { DropZone } from "./drop-zone.tsx";
import type { Chosen } from "./dropped-files.ts";
import { FileList } from "./file-list.tsx";
import { createRepo, Refusal } from "./hub-api.ts";
import { type Begun, Memory } from "./memory.ts";
import { type KnownBase, type Recognised, recognise } from "./recognise.ts";
import { discard, tooMany } from "./send.ts";
import { percentOf, SendingPanel } from "./sending-panel.tsx";
import { useSending } from "./use-sending.ts";

export interface UploaderProps {
  /** Who is signed in. */
  readonly person: string;
  /** An existing repo that files go into; null: it is asked. */
  readonly repo: string | null;
  /** Names under which whoever is signed in may make repos, their own first. */
  readonly owners: readonly string[];
  readonly mine: readonly OwnRepo[];
  readonly bases: readonly KnownBase[];
}

/** Choose → see what it is → say where it goes → send. Nothing is sent before the last button is pressed. */
export function Uploader({ person, repo: given, owners, mine, bases }: UploaderProps) {
  const memory = useMemo(() => new Memory(person), [person]);
  const upload = useSending(memory);
  const { going } = upload;
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [facts, setFacts] = useState<Recognised | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [note, setNote] = useState<string | null>(null);
  const [begun, setBegun] = useState<readonly Begun[]>([]);
  const tried = useRef<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => setBegun(memory.begun()), [memory, chosen]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [facts]);

  const choose = async (next: Chosen): Promise<void> => {
    if (next.files.length === 0)
      return setProblem("There was no file in it; choose a folder with a model, or a .safetensors file.");
    setProblem(null);
    setNote(null);
    setChosen(next);
    try {
      const found = await recognise(next, bases);
      setFacts({ ...found, problem: found.problem ?? tooMany(next.files) });
    } catch (cause) {
      setChosen(null);
      setProblem(`It could not be read (${(cause as Error).message}); choose it again.`);
    }
  };
  const startOver = (): void => {
    upload.clear();
    setChosen(null);
    setFacts(null);
    setProblem(null);
  };
  const sendable = useMemo(() => {
    const whole = new Set(facts?.files.flatMap(({ path, problem: unsendable }) => (unsendable === null ? [path] : [])));
    return chosen?.files.filter(({ path }) => whole.has(path)) ?? [];
  }, [chosen, facts]);

  /** @returns whether the repo is there and ours: also where an answer was lost, and it was made the first time */
  const make = async (repo: NewRepo): Promise<boolean> => {
    const name = `${repo.owner}/${repo.name}`;
    try {
      await createRepo(repo);
      return true;
    } catch (cause) {
      if (cause instanceof Refusal && cause.status === 409 && tried.current === name) return true;
      if (!(cause instanceof Refusal)) tried.current = name;
      setProblem(
        cause instanceof Refusal ? cause.message : "The hub could not be reached. Nothing was sent; try again.",
      );
      return false;
    }
  };
  const send = async (wanted: Wanted): Promise<void> => {
    setProblem(null);
    if ("repo" in wanted) return upload.start(wanted.repo, sendable);
    if (await make(wanted.create)) await upload.start(`${wanted.create.owner}/${wanted.create.name}`, sendable);
  };
  const giveUp = async (repo: string): Promise<void> => {
    setNote(
      `The upload to ${repo} was given up, and what had arrived was thrown away. The repo itself is still there.`,
    );
    await (going.phase === "idle" ? discard(repo, memory) : upload.giveUp());
    startOver();
    setBegun(memory.begun());
  };

  const isSending = going.phase !== "idle";
  const spoken = isSending
    ? going.phase === "sending"
      ? `${Math.floor(percentOf(going) / 25) * 25}% sent`
      : going.phase === "done"
        ? "100% sent, done"
        : going.phase
    : facts
      ? facts.sentence
      : "";
  return (
    <>
      <p role="status" className="sr-only">
        {spoken}
      </p>
      {facts && chosen ? (
        <div className="grid gap-x-10 gap-y-6 lg:grid-cols-[minmax(0,1fr)_22rem] lg:grid-rows-[auto_1fr]">
          <div className="space-y-4 lg:col-start-1">
            <h2 ref={heading} tabIndex={-1} className="text-title [overflow-wrap:anywhere] outline-none">
              {facts.sentence}
            </h2>
            {facts.facts.length > 0 && <Facts facts={facts.facts} />}
            {facts.problem && <Notice kind="bad">{facts.problem}</Notice>}
            {facts.notes.map((one) => (
              <Notice key={one} kind="careful">
                {one}
              </Notice>
            ))}
            <Unsendable all={facts.files.length} left={sendable.length} />
          </div>
          <div className="lg:col-start-2 lg:row-span-2 lg:row-start-1">
            <div className="lg:sticky lg:top-4">
              {isSending ? (
                <SendingPanel
                  going={going}
                  onPause={upload.pause}
                  onGoOn={() => void upload.start(going.repo, sendable)}
                  onWithoutFailed={
                    going.failed.length > 0 && going.failed.length < sendable.length
                      ? () =>
                          void upload.start(
                            going.repo,
                            sendable.filter(({ path }) => !going.failed.includes(path)),
                          )
                      : null
                  }
                  onGiveUp={() => void giveUp(going.repo)}
                />
              ) : (
                <Destination
                  given={given}
                  begunAt={given ? null : memory.whereBegun(chosen.files)}
                  owners={owners}
                  mine={mine}
                  bases={bases.map(({ name }) => name)}
                  suggested={{ name: toName(facts.name), kind: facts.kind, base: facts.base }}
                  action={
                    sendable.length === 0 || facts.problem !== null
                      ? null
                      : `Upload ${sendable.length === 1 ? "it" : `${toCount(sendable.length)} files`}, ${toBytes(sendable.reduce((sum, { file }) => sum + file.size, 0))}`
                  }
                  problem={problem}
                  onSend={(wanted) => void send(wanted)}
                  onOther={startOver}
                />
              )}
            </div>
          </div>
          <div className="min-w-0 lg:col-start-1">
            <FileList files={facts.files} progress={going.progress} />
          </div>
        </div>
      ) : (
        <div className="space-y-6">
          {note && <Notice kind="good">{note}</Notice>}
          {begun.map(({ repo, files }) => (
            <Unfinished key={repo} repo={repo} files={files} onGiveUp={() => void giveUp(repo)} />
          ))}
          {problem && (
            <Notice kind="bad" alert>
              {problem}
            </Notice>
          )}
          {chosen ? (
            <p className="rounded border border-line bg-raised px-4 py-20 text-center text-quiet">
              Reading the headers of {toPlural(chosen.files.length, "file")}…
            </p>
          ) : (
            <DropZone onChosen={(next) => void choose(next)} onProblem={setProblem} />
          )}
        </div>
      )}
    </>
  );
}

function Unsendable({ all, left }: { readonly all: number; readonly left: number }) {
  const count = all - left;
  if (count === 0) return null;
  return (
    <Notice kind="bad">
      {toPlural(count, "file")} cannot be sent; the reason stands beside {count === 1 ? "it" : "each"} below.{" "}
      {left > 0 && "The rest can."}
    </Notice>
  );
}

function Unfinished({ repo, files, onGiveUp }: Begun & { readonly onGiveUp: () => void }) {
  const [first, ...more] = files;
  return (
    <Notice kind="careful">
      <p>
        An upload to <code>{repo}</code> was begun in this browser and is not finished: {first!.path.slice(-96)}
        {more.length > 0 && ` and ${toCount(more.length)} more`},{" "}
        {toBytes(files.reduce((sum, { size }) => sum + size, 0))}.
      </p>
      <p>Choose the same files again, and only what is missing is sent.</p>
      <Button look="quiet" className="-ml-3" onClick={onGiveUp}>
        Give it up
      </Button>
    </Notice>
  );
}
