import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";

export type Impostor = {
  readonly port: number;
  /** What the clients have sent. */
  readonly heard: () => string;
  readonly stop: () => Promise<void>;
};

const SSL_REQUEST = 80877103;
/** AuthenticationCleartextPassword. */
const ASK_PASSWORD = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);

/** Answers as a PostgreSQL without TLS that asks for the password in clear text. */
export async function startImpostor(): Promise<Impostor> {
  const sockets = new Set<Socket>();
  let heard = "";
  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => {});
    client.on("data", (data) => {
      heard += data.toString("latin1");
      if (data.length >= 8 && data.readInt32BE(4) === SSL_REQUEST) client.write("N");
      else client.write(ASK_PASSWORD);
    });
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** An address of this machine that is not its loopback; undefined where it has no network. */
export function ownAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.internal === false && each.family === "IPv4")?.address;
}
