import { once } from "node:events";
import * as fs from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { tolerate } from "../install/file-lock.js";

/** The port of a development server that has the same URL at each start. */
export type PortWish = {
  /** The port of the first start where it is free. */
  readonly usual: number;
  /** The port that a person names: this one or none. */
  readonly named?: number | undefined;
};

/**
 * A free port: the named one, which must be free, else that of the first start, else any. The home keeps the first and
 * each named one.
 */
export async function pickPort(home: string, host: string, wish: PortWish | undefined): Promise<number> {
  if (wish === undefined) return listenOnce(host, 0);
  const file = join(home, "port");
  if (wish.named !== undefined) {
    const port = await listenOnce(host, wish.named).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") throw error;
      throw new Error(`port ${wish.named} is taken by another program; take another --port`);
    });
    await fs.writeFile(file, String(port));
    return port;
  }
  const kept = Number(await fs.readFile(file, "utf8").catch(tolerate("ENOENT")));
  const usual = Number.isInteger(kept) && kept > 0 && kept < 65_536 ? kept : wish.usual;
  const port = await listenOnce(host, usual).catch(() => listenOnce(host, 0));
  if (usual !== kept) await fs.writeFile(file, String(port));
  return port;
}

/** Listens for a moment; 0 is any free port. */
async function listenOnce(host: string, port: number): Promise<number> {
  const probe = createServer().listen(port, host);
  await once(probe, "listening");
  const { port: free } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return free;
}
