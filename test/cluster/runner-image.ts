import { join } from "node:path";
import { NODE_FLAGS, nodeEnvironment } from "../../dev/build.ts";
import { check, expectEqual, record, say } from "./report.ts";
import { runTool } from "./run-tool.ts";

export const REPOSITORY = "localhost/r3a-runner";
const REVISIONS = ["e2e-1", "e2e-2"] as const;

type OciImage = {
  readonly config: {
    readonly User: string;
    readonly Env: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
  };
};
type Archive = { readonly path: string; readonly tag: string };

/** chroot and vfs work in a container too; where the machine's storage is overlay already, buildah stays with it. */
const BUILDAH = { STORAGE_DRIVER: "vfs", BUILDAH_ISOLATION: "chroot" };
const buildah = (...args: readonly string[]) => runTool("buildah", args, { env: BUILDAH });

/**
 * Builds runner/Dockerfile on the local base. Another revision is another image of the same layers, by its label:
 * buildah's cache does not see a changed build argument.
 */
async function buildImage(folder: string, revision: string): Promise<void> {
  const base = (await runTool("test/cluster/base-image", [], { isLoud: true })).trim();
  const { tag, path } = archiveOf(folder, revision);
  await buildah(
    ...["bud", "-q", "--layers", "--timestamp", "0", "-f", "runner/Dockerfile", "-t", tag],
    ...["--build-arg", `NODE=${base}`, "--label", `org.opencontainers.image.revision=${revision}`, "."],
  );
  await buildah("push", "-q", tag, `docker-archive:${path}:${tag}`);
}

/** Both images, as archives in a folder. Needs the network, which the local cluster's namespace has not. */
export async function buildImages(folder: string): Promise<void> {
  for (const revision of REVISIONS) await buildImage(folder, revision);
}

/** The archives that `buildImages` left in a folder: a first release and a second one. */
export function listArchives(folder: string): readonly [Archive, Archive] {
  const [first, second] = REVISIONS;
  return [archiveOf(folder, first), archiveOf(folder, second)];
}

function archiveOf(folder: string, revision: string): Archive {
  return { tag: `${REPOSITORY}:${revision}`, path: join(folder, `${revision}.tar`) };
}

/** Hands the archive to the cluster; the answer is the image's name with its digest. */
export async function loadImage(loader: string, { path }: Archive): Promise<string> {
  const lines = (await runTool("sh", ["-c", `${loader} "$1"`, "load", path])).trim().split("\n");
  return lines.at(-1) ?? "";
}

export async function checkImage({ path, tag }: Archive): Promise<void> {
  const files = (await runTool("tar", ["-tvf", path])).split("\n");
  const layers = files.flatMap((line) => /^-\S+\s+\S+\s+(\d+) .*\.tar$/.exec(line)?.[1] ?? []).map(Number);
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const total = layers.reduce((sum, each) => sum + each, 0);
  say(`  image ${mb(total)}, layers ${layers.map(mb).join(" + ")}`);
  record("imageMb", total / 1e6);
  await check("the image starts Node as dev/build.ts says, as nobody's root", async () => {
    const text = await buildah("inspect", "--type", "image", tag);
    const { config } = (JSON.parse(text) as { OCIv1: OciImage }).OCIv1;
    expectEqual(config.Entrypoint, ["/usr/bin/node", ...NODE_FLAGS, "/app/main.js"], "entry point");
    const set = Object.entries(nodeEnvironment("/app")).map(([name, value]) => `${name}=${value}`);
    expectEqual(
      set.filter((each) => !config.Env.includes(each)),
      [],
      "missing environment",
    );
    expectEqual(config.User, "10001:10001", "user");
    const labels = Object.keys(config.Labels).filter((name) => name.startsWith("org.opencontainers.image."));
    return `uid 10001, ${labels.length} OCI labels, exec form`;
  });
}
