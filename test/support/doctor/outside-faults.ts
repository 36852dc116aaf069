import { newKey } from "../backup/object.ts";
import { type Installation, named, ownPod } from "../kubernetes/installation.ts";
import { damaged, type Fault, type Ground } from "./ground.ts";

/** A fault of the objects in the cluster, which are good again before the next one. */
const inCluster = (
  status: Fault["status"],
  output: RegExp,
  spoil: (installation: Installation) => unknown,
): Fault => ({
  status,
  output,
  arrange: async ({ installation, look }: Ground) => {
    spoil(installation);
    return look();
  },
});

const lacks = (list: string, names: readonly string[]) => (installation: Installation) =>
  Object.assign(installation.answers.lists, { [list]: named(names) });

/** Those of the exchange, of the cluster, and of what backups need. */
export const OUTSIDE_FAULTS: Readonly<Record<string, Fault>> = {
  budget: damaged(
    "insert into r3a.api_budget (egress_key, firewall_until) values ('default', now() + interval '10 min')",
    "delete from r3a.api_budget",
    { status: "fail", output: /^the address of default is held by the web firewall \(403\) for 10 min/ },
  ),
  proxy: {
    status: "warn",
    output: /^HTTPS_PROXY is set, and requests to the exchange use no proxy$/,
    arrange: ({ look }) => look({ HTTPS_PROXY: "http://127.0.0.1:1" }),
  },
  stores: {
    status: "fail",
    output: /^hot \(file:\/\/\/nowhere\/r3a\): the folder does not exist/,
    arrange: ({ look }) => look({ BACKUP_HOT: "file:///nowhere/r3a" }),
  },
  keys: {
    status: "fail",
    output: /^backups are encrypted to 1 public key, and the identity opens none of them$/,
    arrange: async ({ look }) => {
      const [{ identity }, { recipient }] = [await newKey(), await newKey()];
      return look({ BACKUP_IDENTITY: identity, BACKUP_RECIPIENTS: recipient });
    },
  },
  exchange: {
    status: "fail",
    output: /refuses this region/,
    arrange: async ({ exchange, look }) => {
      exchange.addFault({ kind: "451" });
      const result = await look();
      exchange.clearFaults();
      return result;
    },
  },
  "clock-exchange": {
    status: "fail",
    output: /^this machine's clock is 2 min ahead of the exchange's$/,
    arrange: async ({ exchange, look }) => {
      exchange.set({ clock: { offsetMs: -120_000 } });
      const result = await look();
      exchange.set({ clock: { offsetMs: 0 } });
      return result;
    },
  },
  origin: damaged("insert into r3a.origin (exchange) values ('binance')", "delete from r3a.origin", {
    status: "fail",
    output: /filled from binance, and EXCHANGE_URL answers as simulated/,
  }),
  cluster: inCluster("fail", /not allowed to look at CronJobs in namespace r3a/, ({ answers }) =>
    answers.forbidden.add("cronjobs"),
  ),
  "service-accounts": inCluster(
    "fail",
    /ServiceAccount r3a-sync-sa does not exist/,
    lacks("serviceaccounts", ["default", "r3a-janitor-sa"]),
  ),
  rights: inCluster("fail", /r3a-janitor-sa may not delete pods in namespace r3a$/, ({ answers }) =>
    answers.denied.add("delete pods"),
  ),
  "pull-secrets": inCluster("fail", /Secret r3a-regcred is not there/, lacks("secrets", ["r3a-db"])),
  secrets: inCluster("fail", /Secret r3a-db is not there/, lacks("secrets", ["r3a-regcred", "r3a-binance"])),
  "config-maps": inCluster("fail", /ConfigMap r3a-sync-config is not there/, lacks("configmaps", [])),
  suspended: inCluster("warn", /^suspended: r3a-gaps$/, ({ cronJob }) => {
    cronJob("r3a-gaps").spec.suspend = true;
  }),
  schedules: inCluster("fail", /^r3a-sync-1m .* was due at .*, last started 2001/, ({ cronJob }) => {
    cronJob("r3a-sync-1m").status.lastScheduleTime = "2001-01-01T00:00:00Z";
  }),
  images: inCluster("warn", /^2 images are in use/, ({ podSpec }) => {
    for (const each of podSpec("r3a-sync-1m").containers) each.image = "r3a-runner:0.9";
  }),
  pods: inCluster("fail", /r3a-sync-1m-29 ImagePullBackOff/, ({ answers }) =>
    Object.assign(answers.lists, {
      pods: [
        ownPod("Pending", {
          containerStatuses: [
            { name: "runner", restartCount: 0, state: { waiting: { reason: "ImagePullBackOff" } } },
          ],
        }),
      ],
    }),
  ),
};
