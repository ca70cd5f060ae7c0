import type { IncomingMessage } from "node:http";
import proxyAddr from "proxy-addr";
import { log } from "#lib/log.ts";

/** What proxies say, and what anybody can say. The hub's own address is configured, so that of these only where it came from is of use. */
const others = ["forwarded", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip"];

/** Whether an address is one of these proxies: addresses, networks, and `loopback`, `linklocal` and `uniquelocal`. */
export function trustOf(proxies: readonly string[]): (address: string) => boolean {
  const isTrusted = proxyAddr.compile([...proxies]);
  return (address) => isTrusted(address, 0);
}

/**
 * Leaves in a request one `X-Forwarded-For` with one address: where it came from. That is the last one on its way that is not one of
 * these proxies; where none is trusted, whoever opened the connection.
 */
export function forwardedBy(isProxy: (address: string) => boolean): (request: IncomingMessage) => void {
  let isTold = false;
  return (request) => {
    if (!isTold && request.headers["x-forwarded-for"] !== undefined && !isProxy(request.socket.remoteAddress ?? "")) {
      isTold = true;
      log().warn(
        { event: "web.proxy_not_trusted", proxy: request.socket.remoteAddress },
        "a request says that a proxy forwarded it; if that is your proxy, name it in GUIDEPOST_TRUSTED_PROXIES",
      );
    }
    const address = proxyAddr(request, isProxy);
    for (const name of others) delete request.headers[name];
    request.headers["x-forwarded-for"] = address;
  };
}
