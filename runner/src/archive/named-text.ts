import { createHash } from "node:crypto";
import { messageOf, SettingsFault } from "../errors.ts";

/**
 * A text of a store is not what its name says, or not what it must be: it is never restored from. The message says which
 * text and why.
 */
export class TextFault extends Error {
  override readonly name = "TextFault";
}

/** Of a text that a later release wrote. An older text is no way out: it would restore less than there is. Exit 78. */
function newerText(key: string, version: number, known: number): SettingsFault {
  const advice = "run the release that wrote the newest backup, or a later one";
  return new SettingsFault([
    `${key} has version ${version}, and this program knows versions up to ${known}: ${advice}`,
  ]);
}

/** SHA-256 of a text in UTF-8, in hex, and its length in bytes: what the name of the text is made of. */
export function measureText(text: string): { readonly sha256: string; readonly bytes: number } {
  return { sha256: createHash("sha256").update(text).digest("hex"), bytes: Buffer.byteLength(text) };
}

/**
 * The JSON of a text that was stored under `key`: its hash is the one in the name, and its version is not above `known`.
 * Throws a TextFault, and a
 * SettingsFault for a text of a later version.
 */
export function parseNamedText(key: string, sha256: string, text: string, known: number): unknown {
  const found = measureText(text).sha256;
  if (found !== sha256)
    throw new TextFault(`${key} was cut or changed: its SHA-256 is ${found}, not the one in its name`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TextFault(`${key} is not JSON: ${messageOf(error).slice(0, 200)}`, { cause: error });
  }
  const version: unknown = typeof value === "object" && value !== null && Reflect.get(value, "version");
  if (Number.isSafeInteger(version) && (version as number) > known)
    throw newerText(key, version as number, known);
  return value;
}
