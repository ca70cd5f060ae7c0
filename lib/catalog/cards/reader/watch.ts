import { workerData } from "node:worker_threads";

// A parser that does not come back answers no signal; so a thread beside it looks at what the process has used. Time by the clock
// would condemn an ordinary text while the machine is busy.

const LOOK_MS = 50;
const limit = workerData as Float64Array;

setInterval(() => {
  const { user, system } = process.cpuUsage();
  if (limit[0] !== 0 && (user + system) / 1000 > limit[0]!) process.kill(process.pid, "SIGKILL");
}, LOOK_MS);
