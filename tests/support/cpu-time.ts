/** @returns what `work` kept this process's processors busy for, in milliseconds: other programs on the machine do not count */
export function cpuMilliseconds(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
