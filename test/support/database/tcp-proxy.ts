import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type TcpProxy = {
  /** The target's URL with the proxy's port. */
  readonly url: string;
  readonly stop: () => Promise<void>;
};

/**
 * A program between clients and the server of the URL `target`. `serve` gets each client, reaches the server by `reach`,
 * or another one by its URL, and passes on what it wants to.
 */
export async function startTcpProxy(
  target: string,
  serve: (client: Socket, reach: (other?: string) => Socket) => void,
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // a side that is destroyed on purpose resets the other one
    return socket.on("error", () => {});
  };
  const server = createServer({ allowHalfOpen: true }, (client) =>
    serve(keep(client), (other = target) => {
      const { hostname, port } = new URL(other);
      return keep(connect(Number(port), hostname));
    }),
  );
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
