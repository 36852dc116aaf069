import type { Settings } from "./schema.ts";

/** The digest in the committed prod file until a release writes the real one; no image has this digest. */
export const UNRELEASED = `sha256:${"0".repeat(64)}`;

/** Whether an image of the environment, the runner's or another one, still has that digest: no pod of it can start. */
export function isUnreleased({ imageDigest, waitDbImage, jobs }: Settings): boolean {
  const images = [imageDigest, waitDbImage, ...Object.values(jobs).map(({ image = "" }) => image)];
  return images.some((image) => image.endsWith(UNRELEASED));
}
