/** The digest in the committed prod file until a release writes the real one; no image has this digest. */
export const UNRELEASED = `sha256:${"0".repeat(64)}`;

/** Of the settings of an environment those that name an image. */
type Images = {
  readonly imageDigest: string;
  readonly waitDbImage: string;
  readonly jobs: Readonly<Record<string, { readonly image?: string }>>;
};

/** Whether an image of the environment, the runner's or another one, still has that digest: no pod of it can start. */
export function isUnreleased({ imageDigest, waitDbImage, jobs }: Images): boolean {
  const images = [imageDigest, waitDbImage, ...Object.values(jobs).map(({ image = "" }) => image)];
  return images.some((image) => image.endsWith(UNRELEASED));
}
