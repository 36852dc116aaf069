import { SettingsFault } from "../../errors.ts";

/** Where the address of a database came from: a setting, or an option of the command. */
export type AddressName = "DB_URL" | "RESTORE_DB_URL" | "DRILL_DB_URL" | "--to";

/** What the sentences of the database adapter call it. The name of another setting that ends alike is another word. */
const USUAL = /\bDB_URL\b/g;

/**
 * The same error, in whose sentences the address has this name: a person would else correct DB_URL, which names another
 * database. The error is changed, and not replaced, since others know it by its identity (its code, whether it was
 * translated).
 */
export function nameAddress<E>(error: E, address: AddressName): E {
  if (!(error instanceof Error) || address === "DB_URL") return error;
  const name = (text: string) => text.replace(USUAL, address);
  error.message = name(error.message);
  return error instanceof SettingsFault ? Object.assign(error, { faults: error.faults.map(name) }) : error;
}
