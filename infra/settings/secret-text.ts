/** Names of secret values. EGRESS_KEY and names of secrets (DB_SECRET_NAME) are no such names. */
const SECRET_NAME =
  /passw(or)?d|passphrase|token|secret|credential|api[-_]?key|private[-_]?key|access[-_]?key|^db[-_]?url$|database[-_]?url|(^|[-_])dsn$/i;
const NAME_OF_SECRET = /[-_](name|ref|store)$/i;
/** A URL with a password, a private key, or a token of a well-known form. */
const SECRET_VALUE =
  /[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:[^\s/@]+@|-----BEGIN [A-Z ]*PRIVATE|\bgh[pousr]_\w{20,}|\beyJ[\w-]{10,}\.[\w-]{10,}\./;

/** Whether the form of a text shows that it is a secret, whatever its name. */
export function isSecretText(value: string): boolean {
  return SECRET_VALUE.test(value);
}

/** Why a value must not stand in plain text; null: it may. The message never repeats the value. */
export function secretIn(name: string, value: string): string | null {
  if (isSecretText(value)) return `${name} holds a password, key or token`;
  if (value !== "" && SECRET_NAME.test(name) && !NAME_OF_SECRET.test(name)) return `${name} names a secret`;
  return null;
}
