import type { Manifest } from "../../infra/manifest.ts";
import { renderObjects } from "../../infra/render.ts";
import { SETTINGS, type Settings } from "../../infra/settings/schema.ts";

/** The objects of an environment that changes these settings of the defaults. */
export function render(changes: Partial<Settings> = {}): readonly Manifest[] {
  return renderObjects(SETTINGS.parse(changes));
}
