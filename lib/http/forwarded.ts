import type { IncomingMessage } from "node:http";
import proxyAddr from "proxy-addr";
import { log } from "#lib/log.ts";

/** What proxies say, and what anybody can say. The hub's own address is configured, so that of these only where it came from is of use. */
const others = ["forwarded", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip"];

/**
 * Leaves in a request one `X-Forwarded-For` with one address: where it came from. That is the last one on its way that is not one of
 * these proxies; where none is trusted, whoever opened the connection.
 */
export function forwardedBy(proxies: readonly string[]): (request: IncomingMessage) => void {
  const isTrusted = proxyAddr.compile([...proxies]);
  let isTold = false;
  return (request) => {
    if (
      !isTold &&
      request.headers["x-forwarded-for"] !== undefined &&
      !isTrusted(request.socket.remoteAddress ?? "", 0)
    ) {
      isTold = true;
      log().warn(
        { event: "web.proxy_not_trusted", proxy: request.socket.remoteAddress },
        "a request says that a proxy forwarded it; if that is your proxy, name it in GUIDEPOST_TRUSTED_PROXIES",
      );
    }
    const address = proxyAddr(request, isTrusted);
    for (const name of others) delete request.headers[name];
    request.headers["x-forwarded-for"] = address;
  };
}
