import { once } from "node:events";
import { createServer } from "node:net";
import { AppError } from "#lib/errors.ts";

/** @throws bad_request with what to do when nobody can listen there */
export async function requireFreePort(port: number, host: string): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, host), "listening");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      throw new AppError(
        "bad_request",
        `Port ${port} is taken, perhaps by a Guidepost that already runs; stop that program, or choose another port: PORT=${port + 1} npm start.`,
        { port },
        cause,
      );
    if (code === "EACCES")
      throw new AppError(
        "bad_request",
        `Port ${port} may not be used by this user; choose one above 1023: PORT=3000 npm start.`,
        { port },
        cause,
      );
    throw new AppError(
      "bad_request",
      `${host} is not an address of this machine (${code}); set GUIDEPOST_HOST to 127.0.0.1 or 0.0.0.0.`,
      { host },
      cause,
    );
  }
  probe.close();
  await once(probe, "close");
}
