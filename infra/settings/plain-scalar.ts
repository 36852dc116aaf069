/**
 * The engine reads a stack's file as YAML 1.1 and hands the values over, synth reads it as YAML 1.2 and takes the text.
 * Where the two come to different things (`0x10`, `1_000`, `1.10`, `yes`, `1:30`) neither is believed: both refuse the
 * scalar unless it is in quotes.
 */

const WORD = /^(y|yes|n|no|on|off|true|false|[-+]?\.(inf|nan)|<<|tag:.*|!.*)$/i;
/** Of a text without its underscores, which the engine takes out of a number wherever they stand. */
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const BASED = /^[-+]?0[xob][\da-f]+$/i;
const SEXAGESIMAL = /^[-+]?\d+(:[0-5]?\d)+(\.\d*)?$/;
const TIMESTAMP =
  /^\d{4}-\d{1,2}-\d{1,2}(([Tt]|[ \t]+)\d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?[ \t]*(Z|[-+]\d{1,2}(:?\d{2})?)?)?$/;

const INTEGER = /^(0|-?[1-9]\d*)$/;
const FRACTION = /^-?(0|[1-9]\d*)\.\d+$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** A midnight as the engine writes the date that it took for a time; `pulumi config set` puts it into the file so. */
const MIDNIGHT = /^(\d{4}-\d{2}-\d{2})(?: 00:00:00 \+0000 UTC|T00:00:00Z)$/;

/** The date that somebody wrote without quotes, from what the engine made of it; other texts as they are. */
export function restoreDate(text: string): string {
  return text.replace(MIDNIGHT, "$1");
}

/**
 * Whether synth and the engine read an unquoted scalar in the same way. `isText`: its setting is a text, so that the
 * very digits of a number count.
 */
export function isReadAlike(plain: string, isText: boolean): boolean {
  if (MIDNIGHT.test(plain) || plain === "true" || plain === "false") return true;
  const bare = plain.replaceAll("_", "");
  if (WORD.test(plain) || BASED.test(bare) || SEXAGESIMAL.test(bare)) return false;
  if (TIMESTAMP.test(plain)) return DATE.test(plain);
  if (!NUMBER.test(bare)) return true;
  const value = Number(plain);
  if (INTEGER.test(plain)) return Number.isSafeInteger(value);
  // below a millionth the engine writes an exponent
  if (!FRACTION.test(plain) || String(value).includes("e")) return false;
  return !isText || String(value) === plain;
}
