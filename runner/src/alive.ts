import { statSync } from "node:fs";
import { HEARTBEAT_FILE, HEARTBEAT_MAX_AGE } from "./contract/heartbeat.ts";

/**
 * A program of its own: the liveness probe of `sync --every`. Exit 0 while the heartbeat file is young enough, else 1
 * with the reason. It loads no other file than the contract, since it runs twice a minute beside the sync, within the
 * memory of the same pod.
 */

const fault = faultOf(process.env[HEARTBEAT_FILE] ?? "", Number(process.env[HEARTBEAT_MAX_AGE]));
if (fault !== null) process.stderr.write(`${fault}\n`);
process.exitCode = fault === null ? 0 : 1;

function faultOf(file: string, maxAgeS: number): string | null {
  if (file === "" || !(maxAgeS > 0)) return `${HEARTBEAT_FILE} and ${HEARTBEAT_MAX_AGE} must be set`;
  const touchedAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  if (touchedAt === undefined) return "there is no heartbeat yet";
  // a clock that was set back must not hide a process that hangs: a time that far ahead is as bad as an old one
  const ageS = Math.round(Math.abs(Date.now() - touchedAt) / 1000);
  return ageS <= maxAgeS ? null : `the last heartbeat was ${ageS} s ago, which is more than ${maxAgeS} s`;
}
