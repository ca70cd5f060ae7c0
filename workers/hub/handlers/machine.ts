import { cpus } from "node:os";

/** On what something was measured, as people are told. */
export const machineOf = ({ threads }: { readonly threads: number }): string =>
  `${cpus()[0]?.model ?? process.arch}, ${threads} threads`;
