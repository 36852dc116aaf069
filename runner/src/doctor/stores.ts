import { MANIFEST_PREFIX } from "../archive/manifest.ts";
import { messageOf, SettingsFault } from "../errors.ts";
import { commandLine } from "../program-name.ts";
import type { STORE_SETTINGS } from "../settings/backup.ts";
import type { Settings } from "../settings/table.ts";
import { worstStatus } from "../status.ts";
import { StoreFault } from "../store/fault.ts";
import { openStores } from "../store/open-store.ts";
import { STORE_CLOCK_MS, type Store } from "../store/store.ts";
import { type Check, type Finding, fail, pass, skip, warn } from "./check.ts";
import { judgeClock } from "./server.ts";

export type StoreSettings = Pick<Settings, (typeof STORE_SETTINGS)[number]>;

/** A store that serves no requests is asked five times within 20 s. */
const STORE_MS = 25_000;
const LIMIT_MS = 30_000;

/** Whether each tier can be listed, which is all that one can ask without writing; `settings` null: one of them is wrong. */
export function storesCheck(settings: StoreSettings | null): Check {
  return {
    name: "stores",
    needs: [],
    limitMs: LIMIT_MS,
    look: async (signal) => (settings === null ? skip("needs settings, see there") : look(settings, signal)),
  };
}

async function look(settings: StoreSettings, signal: AbortSignal): Promise<Finding> {
  const strangers: string[] = [];
  const stores = await openStores(settings, (text) => strangers.push(text)).catch((error: unknown) => {
    if (error instanceof SettingsFault) return error;
    throw error;
  });
  if (stores instanceof SettingsFault)
    return fail(stores.faults.join("; "), "correct the addresses of the tiers; docs/commands.md lists them");
  if (stores.length === 0) return skip("no tier of backups is set");
  try {
    const findings = await Promise.all(stores.map((store) => lookAt(store, signal)));
    const notes = strangers.map((text) => warn(text, "give the tier a place of its own"));
    return join([...findings.flat(), ...notes]);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

async function lookAt(store: Store, signal: AbortSignal): Promise<readonly Finding[]> {
  const place = `${store.tier} (${store.address})`;
  const limit = AbortSignal.timeout(STORE_MS);
  const listed = await hasBackups(store, AbortSignal.any([signal, limit])).catch((error: unknown) => {
    signal.throwIfAborted();
    if (limit.aborted) return `${place}: no answer within ${STORE_MS / 1000} s`;
    if (error instanceof StoreFault) return messageOf(error);
    throw error;
  });
  const remedy = `remove the cause, then: ${commandLine("backup check")}`;
  const found =
    typeof listed === "string"
      ? fail(listed, remedy)
      : pass(`${place} can be listed and has ${listed ? "backups" : "no backup yet"}`);
  const ahead = store.clockAheadMs();
  if (ahead === null) return [found];
  const clock = judgeClock(ahead, `the store's of ${store.tier}`, STORE_CLOCK_MS);
  return clock.status === "pass" ? [found] : [found, clock];
}

async function hasBackups(store: Store, signal: AbortSignal): Promise<boolean> {
  for await (const _ of store.list(MANIFEST_PREFIX, signal)) return true;
  return false;
}

function join(findings: readonly Finding[]): Finding {
  const remedies = new Set(findings.map(({ remedy }) => remedy).filter((remedy) => remedy !== ""));
  return {
    status: worstStatus(findings.map(({ status }) => status)),
    output: findings.map(({ output }) => output).join("; "),
    remedy: [...remedies].join("; "),
  };
}
