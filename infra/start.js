// The file that the Pulumi engine starts. Plain JavaScript, so that a Node that cannot run TypeScript says this in one
// sentence instead of `Unknown file extension ".ts"`: `pulumi` takes the Node of the PATH, not the one that npm ci installs.
import { RunError } from "@pulumi/pulumi";
import { faultOfNode } from "./node-version.cjs";

const fault = faultOfNode("pulumi up");
if (fault !== undefined) throw new RunError(fault);

export const { names, schedules, images, requiredSecrets, settingsHash } = await import(
  "./programs/program.ts"
);
