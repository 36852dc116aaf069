import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type SilentProxy = { readonly url: string; readonly stop: () => Promise<void> };

/**
 * A network that works until a client says `word`: from then on it swallows everything of every connection, and closes
 * none of them.
 */
export async function startSilentProxy(target: string, word: string): Promise<SilentProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isSilent = false;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const socket = connect(Number(port), hostname);
    for (const each of [client, socket]) {
      sockets.add(each);
      each.on("error", () => {});
    }
    client.on("data", (data) => {
      isSilent ||= data.includes(word);
      if (!isSilent) socket.write(data);
    });
    socket.on("data", (data) => {
      if (!isSilent) client.write(data);
    });
    client.on("end", () => {
      if (!isSilent) client.end();
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
