/** ours: the janitor acts on objects of the suite alone; namespace: on all objects that no other tool looks after. */
export const JANITOR_SCOPES = ["ours", "namespace"] as const;
export type JanitorScope = (typeof JANITOR_SCOPES)[number];

/** scan: the janitor prints its plan; delete: it also carries the plan out. */
export const JANITOR_MODES = ["scan", "delete"] as const;
export type JanitorMode = (typeof JANITOR_MODES)[number];

/** Namespaces of Kubernetes itself; the janitor refuses them in every mode. */
export const SYSTEM_NAMESPACE = /^kube-/;

/** What the janitor never touches unless an environment says otherwise: databases and an ingress that share a namespace. */
export const PROTECTED_SELECTORS = [
  "app.kubernetes.io/name=postgres",
  "app.kubernetes.io/name in (postgresql, postgresql-ha, pgpool, pgbouncer, patroni, timescaledb, cloudnative-pg)",
  "app.kubernetes.io/name in (mysql, mariadb, mariadb-galera, mongodb, redis, redis-cluster, valkey, clickhouse)",
  "app.kubernetes.io/component in (database, postgres, postgresql)",
  "app in (postgres, postgresql, postgresql-ha, timescaledb)",
  "name in (postgres, postgresql)",
  "application in (patroni, spilo)",
  "cnpg.io/cluster",
  "cnpg.io/poolerName",
  "postgres-operator.crunchydata.com/cluster",
  "stackgres.io/cluster-name",
  "app.kubernetes.io/instance=ingress-nginx",
] as const;

/**
 * The brake by percent counts only where more pods than this would go. A stuck pod that is alone in its namespace is
 * 100 % of the pods: the brake would hold in every run, and the pod would never go.
 */
export const FEW_PODS = 3;
