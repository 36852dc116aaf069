import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type TransactionPooler = { readonly url: string; readonly stop: () => Promise<void> };

/** A session at the server that is lent out; `client` null: free. */
type Backend = { readonly socket: Socket; client: Socket | null };

const READY_FOR_QUERY = "Z".charCodeAt(0);
const TERMINATE = "X".charCodeAt(0);
const IDLE = "I".charCodeAt(0);

/**
 * A pooler as PgBouncer in transaction mode: each client logs in through a session of its own, which then belongs to
 * all; every transaction gets whichever session is free, the one that was freed last first.
 */
export async function startTransactionPooler(target: string): Promise<TransactionPooler> {
  const { hostname, port } = new URL(target);
  const backends: Backend[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const socket = connect(Number(port), hostname);
    const backend: Backend = { socket, client };
    for (const each of [client, socket]) {
      sockets.add(each);
      each.on("error", () => {});
    }
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
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
