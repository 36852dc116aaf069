import { SYSTEM_NAMESPACE } from "@r3a/runner/contract/janitor";
import { parseSelector } from "@r3a/runner/selector";
import type { Fault } from "../errors.ts";
import { checkAdopted } from "./adoptable.ts";
import { checkPlaces, checkSecretTexts } from "./check-places.ts";
import type { Settings } from "./schema.ts";
import { UNRELEASED } from "./unreleased.ts";

const PINNED = /^[^@\s]+@sha256:[0-9a-f]{64}$/;
const REPOSITORY = /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*$/;
const IMAGE = /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;
const HOW_TO_PIN = "`docker buildx imagetools inspect IMAGE:TAG` shows the digest";

/** All faults between settings that are right one by one. Pure: no clock, no network. */
export function checkSettings(settings: Settings): readonly Fault[] {
  const faults = [
    ...checkImage(settings),
    ...checkOtherImages(settings),
    ...checkNamespaces(settings),
    ...checkSelectors(settings),
    ...checkSecretNames(settings),
    ...checkAuthority(settings),
    ...checkCredentials(settings),
    ...checkMemory(settings),
    ...checkPlaces(settings),
    ...checkAdopted(settings),
  ];
  const found = new Set(faults.map(({ key }) => key));
  return [...faults, ...checkSecretTexts(settings).filter(({ key }) => !found.has(key))];
}

function checkImage({ image, imageDigest, imageTag, requireDigest }: Settings): readonly Fault[] {
  const faults: Fault[] = [];
  if (!REPOSITORY.test(image) || /:[^/]*$/.test(image))
    faults.push({
      key: "image",
      message:
        "is more than a repository; leave out tag and digest, which are the settings imageTag and imageDigest",
    });
  if (imageTag !== "" && imageDigest !== "")
    faults.push({ key: "imageTag", message: "stands beside imageDigest; remove one of them" });
  else if (requireDigest && imageTag !== "")
    faults.push({
      key: "imageTag",
      message: `a tag can move and requireDigest is set; set imageDigest instead (${HOW_TO_PIN})`,
    });
  else if (requireDigest && imageDigest === "")
    faults.push({
      key: "imageDigest",
      message: `is missing and requireDigest is set; set it (${HOW_TO_PIN}), before the first release to ${UNRELEASED}`,
    });
  return faults;
}

function checkOtherImages({ jobs, requireDigest, waitDbImage }: Settings): readonly Fault[] {
  const named = Object.entries(jobs).flatMap(([name, { image }]) =>
    image === undefined ? [] : [{ key: `jobs.${name}.image`, image }],
  );
  const images = waitDbImage === "" ? named : [...named, { key: "waitDbImage", image: waitDbImage }];
  return images.flatMap(({ key, image }) => {
    if (image.trim() === "") return [{ key, message: "is empty; leave it out to use the runner's image" }];
    if (!IMAGE.test(image))
      return [{ key, message: "is no image; write REGISTRY/REPOSITORY:TAG or ...@sha256:DIGEST" }];
    if (requireDigest && !PINNED.test(image))
      return [
        { key, message: `has no digest and requireDigest is set; write IMAGE@sha256:... (${HOW_TO_PIN})` },
      ];
    return [];
  });
}

/**
 * The janitor would delete in this namespace, and the suite's namespace enforces rules that Kubernetes' own pods break.
 */
function checkNamespaces(settings: Settings): readonly Fault[] {
  return (["namespace", "janitorTargetNamespace"] as const)
    .filter((key) => SYSTEM_NAMESPACE.test(settings[key]))
    .map((key) => ({ key, message: "kube-* belongs to Kubernetes itself; name another, e.g. r3a" }));
}

function checkSelectors({ janitorProtectedSelectors }: Settings): readonly Fault[] {
  const key = "janitorProtectedSelectors";
  const empty =
    "is empty; leave it out for the default, or name what stays, e.g. app=postgres (r3a.dev/nothing protects nothing)";
  if (janitorProtectedSelectors.length === 0) return [{ key, message: empty }];
  return janitorProtectedSelectors.flatMap((text, index) => {
    if (!("fault" in parseSelector(text))) return [];
    // without the reason of the parser, which quotes the text
    const what = text.trim() === "" ? "an empty selector is refused" : "is no label selector";
    const message = `${what}; write one as for \`kubectl get pods -l\`, e.g. app=postgres, values in brackets: tier in (a, b)`;
    return [{ key: `${key}[${index}]`, message }];
  });
}

const SECRET_NAMES = [
  "dbSecretName",
  "ownerDbSecretName",
  "readerDbSecretName",
  "exchangeSecretName",
  "pullSecretName",
] as const;

/** Two secrets of one name cannot both exist. */
function checkSecretNames(settings: Settings): readonly Fault[] {
  return SECRET_NAMES.flatMap((key, index) => {
    const same = SECRET_NAMES.slice(0, index).find((other) => settings[other] === settings[key]);
    return settings[key] === "" || same === undefined || settings[same] === ""
      ? []
      : [{ key, message: `is the name of ${same} too; write another one, or "" where none is needed` }];
  });
}

function checkAuthority({ databaseCaConfigMap, databaseCaSecret }: Settings): readonly Fault[] {
  return databaseCaConfigMap === "" || databaseCaSecret === ""
    ? []
    : [{ key: "databaseCaSecret", message: "stands beside databaseCaConfigMap; remove one of them" }];
}

function checkCredentials(settings: Settings): readonly Fault[] {
  if (settings.secretsMode !== "pulumi" || settings.pullSecretName === "") return [];
  return (["registryServer", "registryUser"] as const)
    .filter((key) => settings[key] === "")
    .map((key) => ({
      key,
      message: `is empty and secretsMode pulumi makes the secret ${settings.pullSecretName}; set it, or set pullSecretName to ""`,
    }));
}

/** Kubernetes refuses a pod that asks for more memory than it may have. */
function checkMemory({ memoryRequest, memoryLimit, jobs }: Settings): readonly Fault[] {
  const ofJobs = Object.entries(jobs).flatMap(([name, { resources = {} }]) => {
    const [changed] = (["memoryRequest", "memoryLimit"] as const).filter((field) => field in resources);
    const key = `jobs.${name}.resources.${changed}`;
    return changed === undefined ? [] : [{ key, memoryRequest, memoryLimit, ...resources }];
  });
  return [{ key: "memoryRequest", memoryRequest, memoryLimit }, ...ofJobs]
    .filter((pod) => amountOf(pod.memoryRequest) > amountOf(pod.memoryLimit))
    .map((pod) => ({
      key: pod.key,
      message: `the request of ${pod.memoryRequest} is above the limit of ${pod.memoryLimit}; lower the request or raise the limit`,
    }));
}

const UNITS: Readonly<Record<string, number>> = {
  m: 0.001,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};

function amountOf(quantity: string): number {
  const [, number = "", unit = ""] = /^([\d.]+)(\D*)$/.exec(quantity) ?? [];
  return Number(number) * (UNITS[unit] ?? 1);
}
