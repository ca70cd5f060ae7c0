import { thousands } from "./thousands.ts";

/** Bytes as people say them: MB, and from 1000 of them on GB. */
export const showBytes = (bytes: number): string =>
  bytes < 1e9 ? `${Math.max(1, Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

/** The same, and what is less than a MB to the byte: for amounts that may be nothing. */
export const showAmount = (bytes: number): string => (bytes < 1e6 ? `${thousands(bytes)} bytes` : showBytes(bytes));
