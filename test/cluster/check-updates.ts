import { setTimeout as sleep } from "node:timers/promises";
import {
  type CronJob,
  endOf,
  type Job,
  kubectl,
  listObjects,
  listPodsOf,
  waitFor,
  waitForSuccess,
} from "./kubectl.ts";
import { check, expectEqual } from "./report.ts";
import { changesBetween, type Stack, snapshot } from "./stack.ts";

const listCronJobs = () => listObjects<CronJob>("cronjob");

/** By name, to see that an update kept the object. */
async function uidsOf(): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await listCronJobs()).map(({ metadata }) => [metadata.name, metadata.uid]));
}

export async function checkSecondApply(stack: Stack, image: string): Promise<void> {
  await check("the second apply changes nothing", async () => {
    const before = await snapshot();
    await stack.apply({ image });
    const after = await snapshot();
    expectEqual(changesBetween(before, after), [], "changed objects");
    return `uid, generation and content of ${Object.keys(after).length} objects stay`;
  });
}

/** Suspends all; what runs goes on to its end, and nothing new starts. */
export async function checkSuspend(stack: Stack, image: string): Promise<void> {
  await check("suspend is a plain update", async () => {
    const uids = await uidsOf();
    await stack.apply({ image, suspendAll: true });
    const suspended = await listCronJobs();
    expectEqual(await uidsOf(), uids, "uids");
    expectEqual(
      suspended.filter(({ spec }) => !spec.suspend).map(({ metadata }) => metadata.name),
      [],
      "not suspended",
    );
    await waitFor("the end of all runs", 120, async () =>
      (await listObjects<Job>("job")).every((job) => endOf(job) !== null) ? true : null,
    );
    return `${suspended.length} CronJobs`;
  });
}

/** Over the next full minute, where three CronJobs would have been due. */
export async function checkNothingStarts(): Promise<void> {
  await check("nothing starts while all is suspended", async () => {
    const names = async () => (await listObjects<Job>("job")).map(({ metadata }) => metadata.name).sort();
    const before = await names();
    // the controller is at most 10 s late
    await sleep(60_000 - (Date.now() % 60_000) + 10_000);
    expectEqual(await names(), before, "Jobs");
    return "over a full minute";
  });
}

export async function checkSchedule(stack: Stack, image: string): Promise<void> {
  await check("a changed schedule is a plain update of its job and of the one that judges it", async () => {
    const before = await snapshot();
    const uids = await uidsOf();
    await stack.apply({ image, suspendAll: true, jobs: { "sync-1h": { schedule: "2 * * * *" } } });
    expectEqual(
      changesBetween(before, await snapshot()),
      ["CronJob/r3a-health", "CronJob/r3a-sync-1h"],
      "changed objects",
    );
    expectEqual(await uidsOf(), uids, "uids");
    return "r3a-sync-1h and r3a-health alone, same uids";
  });
}

/** Another image: CronJobs updated in place, a schema Job of its own, the old one gone. */
export async function checkImageUpdate(stack: Stack, image: string): Promise<void> {
  await check("a new image digest is a plain update", async () => {
    const uids = await uidsOf();
    await stack.apply({ image, suspendAll: true });
    expectEqual(await uidsOf(), uids, "uids");
    const migrations = await listObjects<Job>("job", "-l", "app.kubernetes.io/component=migrate");
    expectEqual(migrations.length, 1, "schema Jobs");
    await waitForSuccess(migrations[0]?.metadata.name ?? "");
    const job = "e2e-new-image";
    await kubectl(["create", "job", job, "--from=cronjob/r3a-sync-15m"]);
    await waitForSuccess(job);
    const pods = await listPodsOf(job);
    expectEqual(
      pods.flatMap(({ spec }) => spec.containers.map((each) => each.image)),
      [image],
      "image",
    );
    return `${Object.keys(uids).length} CronJobs keep their uid, one schema Job, a run on ${image.slice(-12)}`;
  });
}

export async function checkRemoval(stack: Stack, image: string): Promise<void> {
  await check("a removed job leaves nothing behind", async () => {
    const job = "e2e-verify";
    await kubectl(["create", "job", job, "--from=cronjob/r3a-verify"]);
    await waitForSuccess(job);
    const uids = await uidsOf();
    await stack.apply({ image, suspendAll: true, jobs: { verify: { enabled: false } } });
    const { "r3a-verify": removed, ...kept } = uids;
    if (removed === undefined) throw new Error("there was no r3a-verify");
    expectEqual(await uidsOf(), kept, "uids");
    await waitFor("its Jobs and pods to go", 30, async () => {
      const left = await listObjects("job,pod", "-l", "app.kubernetes.io/component=verify");
      return left.length === 0 ? true : null;
    });
    return "CronJob, Job and pod are gone, the others stay";
  });
}
