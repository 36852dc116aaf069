import { readLeafName } from "../archive/leaf-record.ts";

/** A plain name, which is no schema that anything else lives in. */
export function parseSchemaName(text: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(text))
    throw new Error(
      `must be a plain name in small letters, e.g. r3a_restored, not ${JSON.stringify(text.slice(0, 80))}`,
    );
  if (/^(public|r3a|r3a_util|r3a_restore|information_schema|pg_.*)$/.test(text))
    throw new Error(`must be a schema of its own: ${text} has tables that a restore must not touch`);
  return text;
}

/** The fault of the form itself is a regular expression, which says nothing to a person. */
export function parseLeafName(text: string): string {
  try {
    return readLeafName(text, "");
  } catch {
    throw new Error(`${JSON.stringify(text.slice(0, 80))} is no name of a leaf, such as ohlcv_1m_2026_01`);
  }
}
