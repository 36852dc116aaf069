import { PolicyPack } from "@pulumi/policy";
import { policiesFor } from "./policies.ts";

/** The stacks that people may break. Every other stack counts as production, also one without a name. */
const FREE_STACKS = ["dev", "test", "local"];

/** The engine sets this variable when it starts a pack of Node.js. */
const stack = process.env.PULUMI_NODEJS_STACK ?? "";

// starts a server that prints its port and lives until the engine ends it
new PolicyPack("r3a", { policies: policiesFor(!FREE_STACKS.includes(stack)) });
