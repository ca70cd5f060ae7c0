"use client";

import { useState } from "react";
import { LEAST_SIDE, MOST_SIDE, SIDE_STEP, type Size } from "#lib/catalog/previews/limits.ts";
import { usualSizes } from "#lib/catalog/previews/sizes.ts";
import { parseSizeText, toSizeText } from "./address.ts";

interface SizeFieldProps {
  /** What the model was trained on; null where that is not known. */
  readonly native: Size | null;
  /** Like 1152x896; empty for the model's own. */
  readonly value: string;
  readonly problem: string | null;
  readonly onChange: (value: string) => void;
}

/** The usual sizes of a model, or any other by its two sides, which stand there only where they are asked for. */
export function SizeField({ native, value: asked, problem, onChange }: SizeFieldProps) {
  const value = native && asked === toSizeText(native) ? "" : asked;
  const [isTyped, setTyped] = useState(false);
  const choices = usualSizes(native);
  const isCustom = isTyped || (value !== "" && !choices.some((size) => toSizeText(size) === value));
  const { width, height } = parseSizeText(value) ?? native ?? { width: 512, height: 512 };
  const choose = (chosen: string): void => {
    setTyped(chosen === "custom");
    onChange(chosen === "custom" ? toSizeText({ width, height }) : chosen);
  };
  const side = (name: "width" | "height", label: string) => (
    <label className="flex items-baseline gap-1.5 text-small text-quiet">
      <span className="min-w-8">{label}</span>
      <input
        name={name}
        type="number"
        min={LEAST_SIDE}
        max={MOST_SIDE}
        step={SIDE_STEP}
        value={name === "width" ? width : height}
        aria-invalid={problem !== null || undefined}
        onChange={({ target }) => onChange(toSizeText({ width, height, [name]: Number(target.value) }))}
        className="w-20 rounded border border-edge bg-raised px-2 py-0.5 text-right text-ink aria-invalid:border-incompatible"
      />
    </label>
  );
  return (
    <div className="group min-w-0">
      <label htmlFor="size" className="block font-medium">
        Size
      </label>
      <select
        id="size"
        name="size"
        value={isCustom ? "custom" : value}
        onChange={(event) => choose(event.target.value)}
        aria-describedby="size-about"
        className="mt-1 min-h-9 w-full rounded border border-edge bg-raised px-2"
      >
        <option value="">{native ? `${native.width} × ${native.height}, its own` : "the model's own"}</option>
        {choices.map((size) => (
          <option key={toSizeText(size)} value={toSizeText(size)}>
            {size.width} × {size.height}
          </option>
        ))}
        <option value="custom">another size</option>
      </select>
      <div className="mt-1.5 hidden flex-wrap gap-x-3 gap-y-1 group-has-[option[value=custom]:checked]:flex">
        {side("width", "wide")}
        {side("height", "high")}
      </div>
      <p
        id="size-about"
        className={`mt-0.5 text-small ${problem === null ? "text-quiet" : "font-medium text-incompatible"}`}
      >
        {problem ?? "in pixels"}
      </p>
    </div>
  );
}
