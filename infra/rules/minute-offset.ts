// `7` and `7,37` are chosen minutes; a star, a step or a range spreads over the hour and has to meet others
const FIXED = /^\d+(,\d+)*$/;

/** The hours (or minutes) that a cron field names. */
function valuesOf(field: string, count: number): readonly number[] {
  return field.split(",").flatMap((part) => {
    const [range = "", step] = part.split("/");
    const [from, to] = range === "*" ? [0, count - 1] : range.split("-").map(Number);
    const first = from ?? 0;
    const last = to ?? (step === undefined ? first : count - 1);
    return Array.from({ length: count }, (_, value) => value).filter(
      (value) => value >= first && value <= last && (value - first) % Number(step ?? 1) === 0,
    );
  });
}

/** A time of day, HH:MM, at which both schedules have chosen to start, null where there is none. Days are left out. */
export function sharedStart(one: string, other: string): string | null {
  const [minutes = "", hours = ""] = one.split(" ");
  const [otherMinutes = "", otherHours = ""] = other.split(" ");
  if (!FIXED.test(minutes) || !FIXED.test(otherMinutes)) return null;
  const minute = valuesOf(minutes, 60).find((value) => valuesOf(otherMinutes, 60).includes(value));
  const hour = valuesOf(hours, 24).find((value) => valuesOf(otherHours, 24).includes(value));
  if (minute === undefined || hour === undefined) return null;
  return [hour, minute].map((part) => String(part).padStart(2, "0")).join(":");
}
