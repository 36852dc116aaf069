import type { SimulatedExchange } from "../../../dev/exchange/exchange.ts";
import type { Finding, Result } from "../../../runner/src/doctor/check.ts";
import { type Played, replaceInCatalog } from "../database/catalog-stand-in.ts";
import type { OwnServer } from "../database/own-server.ts";
import type { Installation } from "../kubernetes/installation.ts";

/** What doctor looks at, all of it in good order before each fault. */
export type Ground = {
  readonly server: OwnServer;
  readonly exchange: SimulatedExchange;
  readonly installation: Installation;
  /** One look by the check that the fault is for. */
  look(env?: Readonly<Record<string, string>>): Promise<Result>;
};

/** A state in which a check does not pass: `arrange` makes it, looks, and takes it away again. */
export type Fault = {
  readonly status: Exclude<Finding["status"], "pass" | "skip">;
  /** The reason that the check is there for. */
  readonly output: RegExp;
  readonly arrange: (ground: Ground) => Promise<Result>;
};

/** A fault of the database that two statements make and mend. */
export function damaged(
  damage: string,
  mend: string,
  { status, output, env }: Pick<Fault, "status" | "output"> & { readonly env?: Record<string, string> },
): Fault {
  const arrange = async ({ server, look }: Ground) => {
    await server.query(damage);
    try {
      return await look(env);
    } finally {
      await server.query(mend);
    }
  };
  return { status, output, arrange };
}

/**
 * The same where a server has no such state in a test's time: the object of pg_catalog goes by another name, and
 * `standIn` takes its place there, since the program's sessions look nowhere else.
 */
export function played(played: Played, fault: Parameters<typeof damaged>[2]): Fault {
  const { damage, mend } = replaceInCatalog(played);
  return damaged(damage, mend, fault);
}
