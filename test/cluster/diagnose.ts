import { kubectl, listObjects, type Pod } from "./kubectl.ts";
import { say } from "./report.ts";

const LONGEST_LOG_LINES = 30;

/** Prints what explains a failure: objects, events, then the log and the state of each pod that did not succeed. */
export async function diagnose(): Promise<void> {
  const show = async (title: string, ...args: readonly string[]) => {
    say(`\n--- ${title}`);
    say((await kubectl(args).catch(String)).trim());
  };
  await show("objects", "get", "cronjob,job,pod", "-o", "wide");
  // the local cluster has no DNS and says so of every pod
  const telling = "--field-selector=type!=Normal,reason!=MissingClusterDNS";
  await show("events", "get", "events", "--sort-by=.lastTimestamp", telling);
  const pods = await listObjects<Pod>("pod").catch((): readonly Pod[] => []);
  for (const { metadata, status } of pods) {
    if (status.phase === "Succeeded") continue;
    await show(
      `state of ${metadata.name}`,
      "get",
      "pod",
      metadata.name,
      "-o",
      "jsonpath={.status.initContainerStatuses[*].state}{.status.containerStatuses[*].state}",
    );
    await show(
      `log of ${metadata.name}`,
      ...["logs", metadata.name, "--all-containers", "--prefix", `--tail=${LONGEST_LOG_LINES}`],
    );
  }
}
