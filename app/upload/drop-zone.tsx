import { type ReactNode, useEffect, useRef, useState } from "react";
import { Button } from "../_ui/button.tsx";
import { type Chosen, fromDrop, fromInput } from "./dropped-files.ts";

/** Takes a folder or files by two buttons, or dropped anywhere on the page. */
export function DropZone({
  onChosen,
  onProblem,
  children,
}: {
  readonly onChosen: (chosen: Chosen) => void;
  readonly onProblem: (sentence: string) => void;
  readonly children?: ReactNode;
}) {
  const isOver = useDrop(onChosen, onProblem);
  return (
    <div
      className={`rounded border-2 border-dashed px-4 py-12 text-center sm:py-20 ${isOver ? "border-accent bg-tint" : "border-edge bg-raised"}`}
    >
      <p className="text-title font-medium">Drop a model folder, a LoRA, a guide, or any .safetensors file here</p>
      <p className="mx-auto mt-1 max-w-[56ch] text-quiet">
        It is read in your browser first: you see what it is before a byte is sent.
      </p>
      <div className="mt-6 flex flex-wrap justify-center gap-3">
        <Picker label="Choose a folder" folder onChosen={(list) => onChosen(fromInput(list))} />
        <Picker label="Choose files" onChosen={(list) => onChosen(fromInput(list))} />
      </div>
      {children}
    </div>
  );
}

function Picker({
  label,
  folder = false,
  onChosen,
}: {
  readonly label: string;
  readonly folder?: boolean;
  readonly onChosen: (files: FileList) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button look={folder ? "primary" : "secondary"} onClick={() => input.current?.click()}>
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={label}
        {...(folder && { webkitdirectory: "" })}
        onChange={({ target }) => {
          if (target.files && target.files.length > 0) onChosen(target.files);
          target.value = ""; // so that the same folder can be chosen again
        }}
      />
    </>
  );
}

/** Whoever misses a box does not leave the page for the file: all of the window takes it. @returns whether something is held over it */
function useDrop(onChosen: (chosen: Chosen) => void, onProblem: (sentence: string) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  const latest = useRef({ onChosen, onProblem });
  latest.current = { onChosen, onProblem };
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setIsOver(true);
    };
    const leave = (event: DragEvent): void => void (event.relatedTarget === null && setIsOver(false));
    const drop = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setIsOver(false);
      fromDrop(event.dataTransfer.items).then(latest.current.onChosen, (cause: Error) =>
        latest.current.onProblem(`What you dropped could not be read (${cause.message}); try the button.`),
      );
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
  return isOver;
}
