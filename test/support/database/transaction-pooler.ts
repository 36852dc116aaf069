import type { Socket } from "node:net";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** A session at the server that is lent out; `client` null: free. */
type Backend = { readonly socket: Socket; client: Socket | null };

const READY_FOR_QUERY = "Z".charCodeAt(0);
const TERMINATE = "X".charCodeAt(0);
const IDLE = "I".charCodeAt(0);

/**
 * A pooler as PgBouncer in transaction mode: each client logs in through a session of its own, which then belongs to
 * all; every transaction gets whichever session is free, the one that was freed last first.
 */
export async function startTransactionPooler(target: string): Promise<TcpProxy> {
  const backends: Backend[] = [];
  return startTcpProxy(target, (client, reach) => {
    const socket = reach();
    const backend: Backend = { socket, client };
    let isLoggedIn = false;
    let rest = Buffer.alloc(0);
    socket.on("data", (data) => {
      backend.client?.write(data);
      rest = Buffer.concat([rest, data]);
      // whole messages: a letter, and a length that counts itself
      while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
        const [kind, status] = [rest[0], rest[5]];
        rest = rest.subarray(rest.readInt32BE(1) + 1);
        if (kind !== READY_FOR_QUERY || status !== IDLE) continue;
        isLoggedIn = true;
        backend.client = null;
        backends.splice(0, backends.length, backend, ...backends.filter((each) => each !== backend));
      }
    });
    client.on("data", (data) => {
      if (!isLoggedIn) {
        socket.write(data);
        return;
      }
      if (data[0] === TERMINATE) {
        client.end();
        return;
      }
      const lent =
        backends.find((each) => each.client === client) ?? backends.find((each) => each.client === null);
      if (lent === undefined) throw new Error("every session of the pool is lent");
      lent.client = client;
      lent.socket.write(data);
    });
  });
}
