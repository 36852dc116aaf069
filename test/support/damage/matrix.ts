import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ServerVariant } from "../database/seed.ts";
import { type DamagedWorld, FROM, LEAVES, type LeafKind, useDamagedWorld } from "./damaged-world.ts";
import { DAMAGES, type Damage, detectorsOf } from "./kinds.ts";

/** All kinds of damage on all servers and leaves: R3A_DAMAGE_MATRIX=all. Else each file runs its own choice of them. */
const RUNS_ALL = process.env.R3A_DAMAGE_MATRIX === "all";
export const PG15 = "/usr/lib/postgresql/15/bin";

type Chosen = Readonly<Record<LeafKind, readonly string[]>>;

/** Registers a test for each of the named kinds of damage, on a server of this kind. */
export function testDamage(variant: ServerVariant, chosen: Chosen): void {
  const { binDir, checksums = true } = variant;
  const lacks = binDir !== undefined && !existsSync(join(binDir, "initdb"));
  const why = lacks ? ` (skipped: no PostgreSQL 15, apt-get install postgresql-15)` : "";
  describe.skipIf(lacks)(`${checksums ? "with" : "without"} checksums${why}`, () => {
    const world = useDamagedWorld(variant);
    for (const kind of ["sealed", "open"] as const)
      for (const damage of RUNS_ALL ? DAMAGES : chosen[kind].map(damageOf))
        test(`${kind} leaf: ${damage.name}`, () => findAndMend(world, { damage, kind, checksums }), 120_000);
  });
}

function damageOf(name: string): Damage {
  const found = DAMAGES.find((damage) => damage.name === name);
  if (found === undefined) throw new Error(`no damage is called ${name}`);
  return found;
}

type Case = { readonly damage: Damage; readonly kind: LeafKind; readonly checksums: boolean };

/** The damage is named, a delta and a daily backup come upon it, the leaf is mended, and all is what the exchange says. */
async function findAndMend(world: DamagedWorld, { damage, kind, checksums }: Case): Promise<void> {
  const leaf = LEAVES[kind];
  await world.reset();
  await damage.inflict({ server: world.server, leaf, from: FROM[kind] });
  await world.run("scrub", 1);
  expectNamed(await findings(world), { leaf, detectors: detectorsOf(damage, checksums) });

  // life goes on, as far as the damage lets it: 75 where the server crashes when the leaf is read
  await world.syncMore(1, 0, 1, 75);
  for (const command of ["backup --delta", "backup"]) {
    await world.run(command, 0, 1, 75);
    await world.run("wait-db", 0);
  }

  await world.run("restore --damaged", 0);
  // the sync before may have failed
  await world.syncMore(1, 0);
  await world.expectTruth();
  // the restore has scrubbed the leaf
  expect(await findings(world)).toEqual([]);
  await world.run("verify", 0);
  // nothing that is there now is suspect
  expect(await world.runJson("backup", 0)).toMatchObject({ found: 0, open: 0 });
  await expectHealthy(world);
}

type Found = { readonly leaf: string; readonly detector: string };

const findings = ({ server }: DamagedWorld) =>
  server.query<Found>("select leaf, detector from r3a.leaf_damage where state = 'open' order by 1, 2");

/** One of the detectors names the leaf, and no other leaf is named. */
function expectNamed(
  found: readonly Found[],
  { leaf, detectors }: { readonly leaf: string; readonly detectors: readonly string[] },
): void {
  const ofLeaf = found.filter((each) => each.leaf === leaf).map(({ detector }) => detector);
  expect(
    ofLeaf.some((detector) => detectors.includes(detector)),
    `${leaf} is named by ${ofLeaf.join(", ") || "no detector"}, not by ${detectors.join(" or ")}`,
  ).toBe(true);
  expect(found.filter((each) => each.leaf !== leaf)).toEqual([]);
}

/** But for the leaves of the present, which nobody makes here: the exchange's clock stands. */
async function expectHealthy(world: DamagedWorld): Promise<void> {
  const ended = await world.run("health --only integrity", 1);
  const bad = ended.stdout.split("\n").filter((line) => /^✗/.test(line));
  expect(bad).toEqual([expect.stringContaining("those of now or of the next period are missing")]);
}
