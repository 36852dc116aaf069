import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

export type SilentProxy = TcpProxy & {
  /** Whether the word was said. */
  readonly isSilent: () => boolean;
};

/**
 * A network that works until a client says `word`: from then on it swallows everything of every connection, and closes
 * none of them.
 */
export async function startSilentProxy(target: string, word: string): Promise<SilentProxy> {
  let isSilent = false;
  const proxy = await startTcpProxy(target, (client, reach) => {
    const upstream = reach();
    client.on("data", (data) => {
      isSilent ||= data.includes(word);
      if (!isSilent) upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (!isSilent) client.write(data);
    });
    client.on("end", () => {
      if (!isSilent) client.end();
    });
  });
  return { ...proxy, isSilent: () => isSilent };
}
