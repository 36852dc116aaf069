import { startWireProxy } from "./database/wire-proxy.ts";

/**
 * A moment of a run, as a wire to its database or its store shows it: the words are said one after the other, on any
 * connection, and the last one is the moment. `before`: the other side has not heard the last word yet; `after`: it did what
 * was asked for, and its answer does not arrive any more.
 */
export type KillPoint = {
  readonly name: string;
  readonly wire: "database" | "store";
  readonly words: readonly string[];
  readonly when: "before" | "after";
};

type MakePoint = (name: string, when: KillPoint["when"], ...words: string[]) => KillPoint;
export const ask: MakePoint = (name, when, ...words) => ({
  ...{ name: `${when} ${name}`, wire: "database", words, when },
});
export const give: MakePoint = (name, when, ...words) => ({
  ...{ name: `${when} ${name}`, wire: "store", words, when },
});
/** As a statement of its own; the settings of a session have the word too. */
export const COMMIT = "commit\0";

export type KillWire = {
  readonly url: string;
  /** Calls `kill` once the words were said. Replaces what was armed before. */
  readonly arm: (point: Pick<KillPoint, "words" | "when">, kill: () => void) => void;
  /** From now on everything is passed on. */
  readonly disarm: () => void;
  readonly stop: () => Promise<void>;
};

/** A proxy before a server (PostgreSQL or S3) that kills at a named moment; until it is armed it passes everything on. */
export async function startKillWire(target: string): Promise<KillWire> {
  let left: string[] = [];
  let when: KillPoint["when"] = "before";
  let kill = () => {};
  let isReached = false;
  const reach = () => {
    isReached = true;
    kill();
  };
  const proxy = await startWireProxy(target, () => {
    let isLast = false;
    return {
      tellsEnd: true,
      onClient(data, wire) {
        if (isReached) return;
        // one write of the client may say several of the words
        let from = 0;
        while (left[0] !== undefined) {
          const at = data.indexOf(left[0], from);
          if (at < 0) break;
          from = at + left[0].length;
          left.shift();
          if (left.length === 0 && when === "before") return reach();
          isLast = left.length === 0;
        }
        wire.toServer(data);
      },
      onServer(data, wire) {
        if (isLast && !isReached) reach();
        if (!isReached) wire.toClient(data);
      },
    };
  });
  const arm: KillWire["arm"] = (point, onReached) => {
    left = [...point.words];
    ({ when } = point);
    kill = onReached;
    isReached = false;
  };
  return {
    arm,
    disarm: () => arm({ words: [], when: "before" }, () => {}),
    url: proxy.url,
    stop: proxy.stop,
  };
}
