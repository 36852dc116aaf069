import { UNRELEASED } from "../settings/unreleased.ts";
import { containersOf, type Pod, perContainer } from "./pod.ts";
import type { Rule } from "./rule.ts";

const DIGEST = /@sha256:[0-9a-f]{64}$/;

/** The tag of an image reference; the port of a registry is no tag. */
function tagOf(image: string): string | undefined {
  return /:([\w][\w.-]*)$/.exec(image.split("@")[0] ?? "")?.[1];
}

/** Rules for the image of each container and for its pulls. */
export const IMAGE_RULES: readonly Rule<Pod>[] = [
  {
    id: "image-tag",
    // as kube-linter latest-tag, kube-score container-image-tag, polaris tagNotSpecified, KBP001
    why: "`latest` may name another image tomorrow, and then nobody can say which image ran last night.",
    check: (pod) =>
      perContainer(pod, ({ image = "" }) => {
        const isFixed = DIGEST.test(image) || ![undefined, "latest"].includes(tagOf(image));
        return !isFixed && `image "${image}" has no fixed version; write its tag or digest`;
      }),
  },
  {
    id: "image-digest",
    // as KBP116, kube-linter latest-tag
    why: "A tag can move to another image. A digest names exactly the image that was tested. The rule applies where requireDigest is set: in production.",
    check: (pod, { requireDigest }) =>
      perContainer(
        pod,
        ({ image = "" }) =>
          requireDigest &&
          !DIGEST.test(image) &&
          `image "${image}" is not pinned; write <image>@sha256:<digest>`,
      ),
  },
  {
    id: "image-released",
    level: "warn",
    why: "The committed digest is all zeros until a release writes the real digest. No pod of this image can start.",
    check: ({ spec }) =>
      containersOf(spec).some(({ image = "" }) => image.endsWith(`@${UNRELEASED}`))
        ? ["its image digest is all zeros; set imageDigest to a released one"]
        : [],
  },
  {
    id: "pull-policy",
    // kube-score container-image-pull-policy and polaris pullPolicyNotAlways demand Always, because a tag can move
    why: "With a digest, Always downloads nothing new, but asks the registry at each start: 1,440 times a day for a minute job. No pod starts while the registry is down.",
    check: (pod) =>
      perContainer(pod, ({ image = "", imagePullPolicy }) => {
        if (imagePullPolicy === undefined) return "set imagePullPolicy: IfNotPresent";
        const isIdle = DIGEST.test(image) && imagePullPolicy === "Always";
        return isIdle && "imagePullPolicy is Always on a digest; set IfNotPresent or Never";
      }),
  },
];
