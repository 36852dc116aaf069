import { expect, test } from "vitest";
import { diffObjects } from "../../infra/programs/diff-objects.ts";

const object = (kind: string, name: string, spec: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: "batch/v1",
  kind,
  metadata: { name, namespace: "r3a" },
  spec,
});

test("equal objects are no change, in whatever order their fields are", () => {
  expect(
    diffObjects([object("CronJob", "a", { x: 1, y: [] })], [object("CronJob", "a", { y: [], x: 1 })]),
  ).toEqual([]);
});

test("added and removed objects are named by kind, namespace and name", () => {
  expect(diffObjects([object("CronJob", "a")], [object("Job", "a")])).toEqual([
    { object: "CronJob r3a/a", change: "removed", fields: [] },
    { object: "Job r3a/a", change: "added", fields: [] },
  ]);
  const cluster = { kind: "Namespace", metadata: { name: "r3a" } };
  expect(diffObjects([], [cluster])[0]?.object).toBe("Namespace r3a");
});

test("a changed field has its path, the old and the new value", () => {
  const before = object("CronJob", "a", { schedule: "0 * * * *", suspend: false });
  const after = object("CronJob", "a", { schedule: "5 * * * *", suspend: false, timeZone: "Etc/UTC" });
  expect(diffObjects([before], [after])).toEqual([
    {
      object: "CronJob r3a/a",
      change: "changed",
      fields: [
        { path: "spec.schedule", before: "0 * * * *", after: "5 * * * *" },
        { path: "spec.timeZone", before: undefined, after: "Etc/UTC" },
      ],
    },
  ]);
});

test("list items with names are compared by name, others by position", () => {
  const containers = (...items: readonly unknown[]) => object("CronJob", "a", { containers: items });
  const main = { name: "main", args: ["sync", "1m"] };
  const changes = diffObjects(
    [containers(main)],
    [containers({ name: "wait" }, { ...main, args: ["sync", "1h"] })],
  );
  expect(changes[0]?.fields).toEqual([
    { path: "spec.containers[main].args[1]", before: "1m", after: "1h" },
    { path: "spec.containers[wait]", before: undefined, after: { name: "wait" } },
  ]);
});

test("two items with one name are compared by position; a map that becomes a list is shown as a whole", () => {
  const ports = (...numbers: readonly number[]) =>
    object("Service", "a", { ports: numbers.map((port) => ({ name: "x", port })) });
  expect(diffObjects([ports(1, 2)], [ports(1, 3)])[0]?.fields).toEqual([
    { path: "spec.ports[1].port", before: 2, after: 3 },
  ]);
  expect(diffObjects([object("X", "a", { y: {} })], [object("X", "a", { y: [] })])[0]?.fields).toEqual([
    { path: "spec.y", before: {}, after: [] },
  ]);
});

test("keys with other characters than letters are quoted", () => {
  const labelled = (value: string) => object("X", "a", { "app.kubernetes.io/name": value });
  expect(diffObjects([labelled("a")], [labelled("b")])[0]?.fields[0]?.path).toBe(
    'spec["app.kubernetes.io/name"]',
  );
});
