import type { Page } from "playwright-core";

/** As a person drops a file from their desktop anywhere on the page. */
export async function dropOn(page: Page, bytes: Uint8Array, name: string): Promise<void> {
  const data = await page.evaluateHandle(
    ({ base64, as }) => {
      const transfer = new DataTransfer();
      transfer.items.add(
        new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], as, { type: "image/png" }),
      );
      return transfer;
    },
    { base64: Buffer.from(bytes).toString("base64"), as: name },
  );
  await page.dispatchEvent("main", "dragover", { dataTransfer: data });
  await page.dispatchEvent("main", "drop", { dataTransfer: data });
}
