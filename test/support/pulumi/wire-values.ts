/** Key and values by which the protocol marks what is no plain JSON. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

type Fields = Readonly<Record<string, unknown>>;

function isSecret(value: Fields): boolean {
  return value[SIGNATURE] === SECRET || (value[SIGNATURE] === OUTPUT && value.secret === true);
}

/** The paths of all secrets in a value from the wire, e.g. `stringData`. */
export function secretPaths(value: unknown, path = ""): readonly string[] {
  if (!isFields(value)) return [];
  if (isSecret(value)) return [path];
  return Object.entries(value).flatMap(([key, each]) =>
    secretPaths(each, path === "" ? key : `${path}.${key}`),
  );
}

/** A value from the wire with `[secret]` in place of every secret: what state and logs would show. */
export function withoutSecrets(value: unknown): unknown {
  return replaced(value, () => "[secret]");
}

/** A value from the wire without its marks: what the provider would get. */
export function withoutMarks(value: unknown): unknown {
  return replaced(value, (marked) => withoutMarks(marked));
}

function replaced(value: unknown, insteadOf: (secret: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => replaced(each, insteadOf));
  if (!isFields(value)) return value;
  if (isSecret(value)) return insteadOf(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, insteadOf)]));
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
