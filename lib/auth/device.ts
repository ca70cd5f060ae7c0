import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { isHttps, requireSecret } from "#lib/env.ts";

/**
 * A browser that has signed in to an account carries a cookie that says so, so that guesses from elsewhere never lock its person out. It
 * opens nothing by itself. Signed over the hash of the password: one that was changed makes all devices unknown.
 */
const DAYS = 400; // as long as browsers keep a cookie
const MARK = /^([0-9a-f-]{36})\.(\d{1,12})\.([0-9a-f]{64})$/;

/** An account as a device is known to it. */
export interface DeviceOwner {
  readonly userId: string;
  readonly passwordHash: string;
}

/** The id of the device, if this account knows it. */
export function knownDevice(headers: Headers, owner: DeviceOwner | null): string | null {
  if (owner === null) return null;
  const mark = MARK.exec(cookieOf(headers, nameOf(owner.userId)));
  if (!mark) return null;
  const [, id, day, signature] = mark as unknown as [string, string, string, string];
  const isFresh = today() - Number(day) < DAYS;
  const isOurs = timingSafeEqual(Buffer.from(signature, "hex"), Buffer.from(signatureOf(owner, id, day), "hex"));
  return isFresh && isOurs ? id : null;
}

/** The cookie with which this device is known from now on; keeps its id. */
export function deviceCookie(headers: Headers, owner: DeviceOwner, id = knownDevice(headers, owner)): string {
  const device = id ?? randomUUID();
  const day = String(today());
  const secure = isHttps() ? "; Secure" : "";
  return `${nameOf(owner.userId)}=${device}.${day}.${signatureOf(owner, device, day)}; Max-Age=${DAYS * 86_400}; Path=/; HttpOnly${secure}; SameSite=Lax`;
}

const today = (): number => Math.floor(Date.now() / 86_400_000);

const keyed = (...words: readonly string[]): string =>
  createHmac("sha256", requireSecret())
    .update(JSON.stringify(["device", ...words]))
    .digest("hex");

const signatureOf = ({ userId, passwordHash }: DeviceOwner, id: string, day: string): string =>
  keyed("mark", userId, passwordHash, id, day);

/** One for each account: two people may share a browser. */
const nameOf = (userId: string): string =>
  `${isHttps() ? "__Secure-" : ""}guidepost.device-${keyed("name", userId).slice(0, 12)}`;

function cookieOf(headers: Headers, name: string): string {
  const all = (headers.get("cookie") ?? "").split(/; */);
  return all.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}
