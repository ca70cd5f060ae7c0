import type { Page } from "playwright-core";
import { expect } from "vitest";

/** As a person drops a file from their desktop anywhere on the page, once it takes what is held over it. */
export async function dropOn(page: Page, bytes: Uint8Array, name: string): Promise<void> {
  const data = await page.evaluateHandle(
    ({ base64, as, type }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], as, { type }));
      return transfer;
    },
    { base64: Buffer.from(bytes).toString("base64"), as: name, type: name.endsWith(".png") ? "image/png" : "" },
  );
  const isTaken = (transfer: DataTransfer): boolean => {
    const over = new DragEvent("dragover", { bubbles: true, cancelable: true, dataTransfer: transfer });
    document.querySelector("main")!.dispatchEvent(over);
    return over.defaultPrevented;
  };
  await expect.poll(() => page.evaluate(isTaken, data)).toBe(true);
  await page.dispatchEvent("main", "drop", { dataTransfer: data });
}
