import { App } from "cdk8s";
import { R3aChart } from "./chart.ts";
import type { Manifest } from "./manifest.ts";
import type { Settings } from "./settings/schema.ts";

/** The plain objects of one environment, in the order in which they can be applied. */
export function renderObjects(settings: Settings): readonly Manifest[] {
  const chart = new R3aChart(new App(), "r3a", settings);
  // through JSON, which leaves out undefined fields, as YAML does
  return JSON.parse(JSON.stringify(chart.toJson())) as Manifest[];
}
