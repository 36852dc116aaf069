import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What passes one connection: each side may hold bytes back, change them, or swallow them. */
export type Wire = { readonly toServer: (data: Buffer) => void; readonly toClient: (data: Buffer) => void };
export type Tap = {
  /** Leads this connection to another server. */
  readonly target?: string;
  readonly onClient?: (data: Buffer, wire: Wire) => void;
  readonly onServer?: (data: Buffer, wire: Wire) => void;
};
export type WireProxy = {
  readonly url: string;
  /** Connections so far. */
  readonly count: () => number;
  readonly stop: () => Promise<void>;
};

/** A TCP proxy before the database; `tap` is asked once for each connection, counted from 1. */
export async function startWireProxy(target: string, tap: (connection: number) => Tap): Promise<WireProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    connections += 1;
    const { onClient, onServer, target: other } = tap(connections);
    const { hostname, port } = new URL(other ?? target);
    const upstream = connect(Number(port), hostname);
    for (const each of [client, upstream]) {
      sockets.add(each);
      each.on("error", () => {});
    }
    const wire: Wire = {
      toServer: (data) => upstream.write(data),
      toClient: (data) => client.write(data),
    };
    client.on("data", (data) => (onClient ?? ((all) => wire.toServer(all)))(data, wire));
    upstream.on("data", (data) => (onServer ?? ((all) => wire.toClient(all)))(data, wire));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    count: () => connections,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
