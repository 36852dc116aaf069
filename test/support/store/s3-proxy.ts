import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What the proxy does with one request:
 * - `pass`: passes it on
 * - a status and a code of S3: answers so, and passes nothing on
 * - `cut`: closes the connection and passes nothing on
 * - `lose-answer`: passes it on, and closes the connection instead of giving the answer
 * - `cut-answer`: gives half of the answer's body
 * - `hang`: takes the request and answers nothing
 * - `stall-answer`: gives half of the answer's body, then nothing
 * - `html`: answers 200 with a page for people
 */
export type Deed =
  | "pass"
  | "cut"
  | "lose-answer"
  | "cut-answer"
  | "hang"
  | "stall-answer"
  | "html"
  | { readonly status: number; readonly code: string };

export type S3Proxy = {
  readonly url: string;
  /** Decides for each request from now on; `count` from 1. */
  readonly set: (decide: (method: string, count: number) => Deed) => void;
  /** From now on the answers have times that are so much later. */
  readonly shiftClock: (ms: number) => void;
  /** How many requests came since `set`, by method. */
  readonly count: (method: string) => number;
  readonly stop: () => Promise<void>;
};

/** A program in front of an S3 server at `target` that is at fault as a network or a store can be. */
export async function startS3Proxy(target: string): Promise<S3Proxy> {
  let decide: (method: string, count: number) => Deed = () => "pass";
  let seen: string[] = [];
  let shiftMs = 0;
  const server = createServer((asked, answer) => {
    const method = asked.method ?? "";
    seen.push(method);
    const deed = decide(method, seen.filter((each) => each === method).length);
    if (deed === "cut") asked.socket.destroy();
    else if (deed === "hang") asked.resume();
    else if (deed === "html") {
      asked.resume();
      answer.writeHead(200, { "content-type": "text/html" }).end("<html><body>Sign in<br></body></html>");
    } else if (typeof deed === "object") refuse(answer, asked, deed);
    else passOn({ target, shiftMs }, { asked, answer }, deed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(next) {
      decide = next;
      seen = [];
    },
    shiftClock(ms) {
      shiftMs = ms;
    },
    count: (method) => seen.filter((each) => each === method).length,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

type Exchanged = { readonly asked: IncomingMessage; readonly answer: ServerResponse };

function refuse(
  answer: ServerResponse,
  asked: IncomingMessage,
  { status, code }: Exclude<Deed, string>,
): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>said so, of the key canarykey4711access</Message><AWSAccessKeyId>canarykey4711access</AWSAccessKeyId></Error>`;
  asked.resume();
  asked.once("end", () =>
    answer.writeHead(status, { "content-type": "application/xml" }).end(asked.method === "HEAD" ? "" : body),
  );
}

type Upstream = { readonly target: string; readonly shiftMs: number };

function passOn({ target, shiftMs }: Upstream, { asked, answer }: Exchanged, deed: Deed): void {
  const { hostname, port } = new URL(target);
  const { url: path, method, headers } = asked;
  const upstream = request({ hostname, port, path, method, headers }, (given) => {
    const parts: Buffer[] = [];
    given.on("data", (part) => parts.push(part));
    given.on("end", () => {
      const body = Buffer.concat(parts);
      if (deed === "lose-answer") return asked.socket.destroy();
      const date = new Date(Date.now() + shiftMs).toUTCString();
      answer.writeHead(given.statusCode ?? 0, { ...given.headers, date });
      if (deed === "pass") return answer.end(body);
      answer.write(body.subarray(0, body.length / 2), () => {
        if (deed === "cut-answer") asked.socket.end(); // in order, as a server does that ends too early
      });
      return undefined;
    });
  });
  // the client may be gone, and the server closes what it refuses
  upstream.on("error", () => asked.socket.destroy());
  asked.on("error", () => upstream.destroy());
  asked.pipe(upstream);
}
