/**
 * The engine reads the file of a stack as YAML 1.1 and gives the program values; synth reads the file as YAML 1.2 and
 * takes the text. Some scalars mean different things then (`0x10`, `1_000`, `1.10`, `yes`, `1:30`): both programs
 * refuse such a scalar unless it is in quotes.
 */

const WORD = /^(y|yes|n|no|on|off|true|false|[-+]?\.(inf|nan)|<<|tag:.*|!.*)$/i;
/** A number, once its underscores are removed: the engine ignores underscores in a number. */
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const BASED = /^[-+]?0[xob][\da-f]+$/i;
const SEXAGESIMAL = /^[-+]?\d+(:[0-5]?\d)+(\.\d*)?$/;
const TIMESTAMP =
  /^\d{4}-\d{1,2}-\d{1,2}(([Tt]|[ \t]+)\d{1,2}:\d{1,2}:\d{1,2}(\.\d*)?[ \t]*(Z|[-+]\d{1,2}(:?\d{2})?)?)?$/;

const INTEGER = /^(0|-?[1-9]\d*)$/;
const FRACTION = /^-?(0|[1-9]\d*)\.\d+$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * A date that the engine took for a time, as the engine writes it; `pulumi config set` writes it into the file like
 * this.
 */
const MIDNIGHT = /^(\d{4}-\d{2}-\d{2})(?: 00:00:00 \+0000 UTC|T00:00:00Z)$/;

/** The date that a person wrote without quotes, from the time that the engine made of it; other texts unchanged. */
export function restoreDate(text: string): string {
  return text.replace(MIDNIGHT, "$1");
}

/**
 * Whether synth and the engine read a scalar without quotes in the same way. `isText`: the setting is a text, so that
 * each digit of a number counts.
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
