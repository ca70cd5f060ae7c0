import { totalmem } from "node:os";

/** What the system and other programs need to go on: half a gigabyte, and a tenth of a larger machine. */
const LEAST_RESERVE = 512e6;
const RESERVE_SHARE = 0.1;

/** Bytes of memory that this machine has, or that a container lets its processes have. */
export function machineMemory(): number {
  const limit = process.constrainedMemory(); // 0, or more than there is, where nothing limits it
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** Bytes that one process may take where nobody says otherwise. */
export function usualMemoryBudget(): number {
  const all = machineMemory();
  return all - Math.max(LEAST_RESERVE, RESERVE_SHARE * all);
}
