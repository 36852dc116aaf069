import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { listLeavesOf } from "../runner/src/partition/layout.ts";
import { addLateCoin, lastMonth } from "./recovery-rows.ts";
import type { Tier } from "./recovery-tier.ts";
import { type Figure, round } from "./report.ts";
import type { Stage } from "./stage.ts";

const MONTHS = 72;
const MONTH_MS = 30.44 * 86_400_000;

type History = { readonly url: string; readonly tier: Tier };

/** A coin that comes with its history: all that the next daily run puts into the tier, against the coin's rows alone. */
export async function measureLateCoin(stage: Stage, { url, tier }: History): Promise<readonly Figure[]> {
  const { span } = lastMonth();
  const leaves = listLeavesOf("1m", { from: span.from - (MONTHS - 1.5) * MONTH_MS, to: span.to });
  const env = { ...tier.env, DB_URL: url };
  // what changed before is not the coin's
  await stage.run(["backup"], { env });
  const texts = await addLateCoin(url, leaves);
  const alone = texts.reduce((sum, text) => sum + compress(text).length, 0);
  const before = await weigh(tier.folder);
  const finished = await stage.run(["backup"], { env });
  const written = (await weigh(tier.folder)) - before;
  return [
    {
      claim: `one coin more in ${leaves.length} old months: bytes written against its rows through zstd -3`,
      ...{ value: written / alone, unit: "x", most: 2 },
      detail: `${round(written / 1e6)} against ${round(alone / 1e6)} MB, in ${round(finished.ms / 1000)} s`,
    },
  ];
}

function compress(text: Buffer): Buffer {
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
}

async function weigh(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const found = await Promise.all(names.map((name) => stat(join(folder, name))));
  return found.reduce((sum, each) => sum + (each.isFile() ? each.size : 0), 0);
}
