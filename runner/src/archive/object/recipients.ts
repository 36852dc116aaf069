import { isBech32Key } from "./bech32.ts";

const MOST = 16;

/**
 * The public keys that each object is encrypted to. No fault shows what was given: it may be the secret key, or a part of
 * one. Plugins and the post-quantum keys of newer versions are refused: age 1.1 of Debian cannot open their objects.
 */
export function parseRecipients(text: string): readonly string[] {
  if (/age-(secret-key|plugin)-/i.test(text))
    throw new Error(
      "holds a secret key, and takes public keys alone (age1...): take the secret key out, and treat it as seen by others where this setting is no secret",
    );
  const keys = [
    ...new Set(
      text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
    ),
  ];
  if (keys.length === 0) throw new Error("must name at least one public key (age1...), separated by commas");
  if (keys.length > MOST) throw new Error(`names ${keys.length} public keys, and at most ${MOST} are taken`);
  const wrong = keys.flatMap((key, index) => (isBech32Key(key, "age") ? [] : [index + 1]));
  if (wrong.length > 0)
    throw new Error(
      `must hold public keys such as age-keygen prints (age1 and 58 letters and digits); number ${wrong.join(", ")} is none (its value is not shown)`,
    );
  return keys;
}
