import { PolicyPack } from "@pulumi/policy";
import { policiesFor } from "./policies.ts";

/** The stacks that people break on purpose; any other name, and none at all, is taken for production. */
const FREE_STACKS = ["dev", "test", "local"];

/** The engine starts a pack of Node with this set. */
const stack = process.env.PULUMI_NODEJS_STACK ?? "";

// starts a server that prints its port and lives until the engine ends it
new PolicyPack("r3a", { policies: policiesFor(!FREE_STACKS.includes(stack)) });
