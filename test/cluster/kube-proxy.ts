import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";

/** The API server by plain HTTP: `kubectl proxy` does the login, connections are kept, so thousands of questions take seconds. */
export type KubeProxy = {
  post(path: string, body: object): Promise<unknown>;
  stop(): void;
};

const CONNECTIONS = 16;

export async function startProxy(): Promise<KubeProxy> {
  const child = spawn("kubectl", ["proxy", "--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const [, port] = /127\.0\.0\.1:(\d+)/.exec(String(line)) ?? [];
  if (port === undefined) throw new Error(`kubectl proxy said ${String(line)}`);
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  return {
    async post(path, body) {
      const headers = { "content-type": "application/json" };
      const call = request({ port, path, method: "POST", agent, headers });
      call.end(JSON.stringify(body));
      const [response] = (await once(call, "response")) as [IncomingMessage];
      const said = await text(response);
      if (response.statusCode !== 201)
        throw new Error(`${path}: ${response.statusCode} ${said.slice(0, 500)}`);
      return JSON.parse(said);
    },
    stop() {
      agent.destroy();
      child.kill();
    },
  };
}
