import { messageOf } from "../errors.ts";
import { StoreFault, type StoreFaultKind, type StorePlace } from "./fault.ts";

type Meaning = { readonly kind: StoreFaultKind; readonly advice: string };

const FULL = { kind: "full", advice: "make room there, or give the tier a larger disk" } as const;
const DENIED = {
  kind: "denied",
  advice: "give this account the right to read and write there, or correct the address of the tier",
} as const;
const AWAY = {
  kind: "unreachable",
  advice: "look whether the network disk is there, then run again",
} as const;
const REFUSED = {
  kind: "refused",
  advice: "look at what lies there: a backup has folders and regular files alone, no links",
} as const;

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EFBIG: FULL,
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: { kind: "denied", advice: "the disk is mounted read-only: look why (dmesg), then mount it again" },
  ENOENT: { kind: "missing", advice: "take the object from another tier" },
  EEXIST: { kind: "exists", advice: "it stays as it is; an object is written once" },
  ELOOP: REFUSED,
  ENOTDIR: REFUSED,
  EISDIR: REFUSED,
  ENAMETOOLONG: { kind: "refused", advice: "choose a shorter address for the tier" },
  ETIMEDOUT: AWAY,
  EHOSTDOWN: AWAY,
  ENOTCONN: AWAY,
  ESTALE: AWAY,
  EAGAIN: AWAY,
  EMFILE: AWAY,
};
const BROKEN = { kind: "broken", advice: "look at the disk (dmesg, smartctl)" } as const;

/** The fault behind an error of the file system. */
export function faultOfFolder(error: unknown, place: StorePlace): Error {
  if (error instanceof StoreFault) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!/^E[A-Z0-9]+$/.test(code)) return error instanceof Error ? error : new Error(String(error));
  const { kind, advice } = MEANINGS[code] ?? BROKEN;
  // the system's words go on with a path, which can be that of a temporary file; so the error is no cause either
  const reason = messageOf(error).split(", ")[0];
  return new StoreFault(kind, `${reason}; ${advice}`, place);
}
