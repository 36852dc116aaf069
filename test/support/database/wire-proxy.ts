import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** What passes one connection: each side may hold bytes back, change them, or swallow them. */
export type Wire = { readonly toServer: (data: Buffer) => void; readonly toClient: (data: Buffer) => void };
export type Tap = {
  /** Leads this connection to another server. */
  readonly target?: string;
  readonly onClient?: (data: Buffer, wire: Wire) => void;
  readonly onServer?: (data: Buffer, wire: Wire) => void;
  /** The server hears of the end of a client, as from a process that was killed; a firewall that forgot it says nothing. */
  readonly tellsEnd?: true;
};
export type WireProxy = TcpProxy & {
  /** Connections so far. */
  readonly count: () => number;
};

/** A TCP proxy before the database; `tap` is asked once for each connection, counted from 1. */
export async function startWireProxy(target: string, tap: (connection: number) => Tap): Promise<WireProxy> {
  let connections = 0;
  const proxy = await startTcpProxy(target, (client, reach) => {
    connections += 1;
    const { onClient, onServer, target: other, tellsEnd } = tap(connections);
    const upstream = reach(other);
    const wire: Wire = {
      toServer: (data) => upstream.write(data),
      toClient: (data) => client.write(data),
    };
    client.on("data", (data) => (onClient ?? ((all) => wire.toServer(all)))(data, wire));
    upstream.on("data", (data) => (onServer ?? ((all) => wire.toClient(all)))(data, wire));
    if (tellsEnd) client.on("end", () => upstream.end());
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  return { ...proxy, count: () => connections };
}
