import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { AppError } from "#lib/errors.ts";

export type Fields = Readonly<Record<string, string>>;

/**
 * URLs that are their own permission, for the disk store. Everything they say is signed: method, key, fields in their order, and
 * the second since 1970 at which they end.
 *
 *   https://hub.example/storage/9f/04/6b1c…?part=3&size=16777216&…&expires=1796000000&signature=…
 */
export class UrlSigner {
  readonly #publicUrl: string;
  readonly #key: Buffer;

  /** @param secret the hub's; a key of our own is derived from it, so that no signature of another use fits here */
  constructor(publicUrl: string, secret: string) {
    this.#publicUrl = publicUrl;
    this.#key = Buffer.from(hkdfSync("sha256", secret, "", "guidepost storage URL", 32));
  }

  sign(method: "GET" | "PUT", objectKey: string, fields: Fields, seconds: number): string {
    const query = new URLSearchParams({ ...fields, expires: String(Math.floor(Date.now() / 1000) + seconds) });
    const signature = this.#signatureOf(method, objectKey, query);
    return `${this.#publicUrl}/storage/${objectKey}?${query}&signature=${signature}`;
  }

  /** What a URL says that we signed. @throws forbidden when it has ended, or was not made by us for this method */
  verify(method: "GET" | "PUT", objectKey: string, query: URLSearchParams): Fields {
    const said = new URLSearchParams(query);
    // As text: of the last letter of base64url two bits are read by nobody, so that four texts are the same bytes.
    const signature = Buffer.from(said.get("signature") ?? "");
    said.delete("signature");
    const expected = Buffer.from(this.#signatureOf(method, objectKey, said));
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new AppError(
        "forbidden",
        "This link was not made by this hub, or somebody altered it; ask the hub for a new one.",
      );
    }
    if (Number(said.get("expires")) < Date.now() / 1000)
      throw new AppError("forbidden", "This link has expired; ask the hub for a new one.");
    return Object.fromEntries(said);
  }

  #signatureOf(method: string, objectKey: string, query: URLSearchParams): string {
    return createHmac("sha256", this.#key).update(`${method}\n${objectKey}\n${query}`).digest("base64url");
  }
}
