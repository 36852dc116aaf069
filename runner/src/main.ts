import { Command as Commander, CommanderError } from "commander";
import { uuidv7 } from "uuidv7";
import { collectFaults, type RawOptions } from "./commands/command.ts";
import { REGISTRY } from "./commands/registry.ts";
import type { Context } from "./context.ts";
import { COMMANDS, type CommandName, EXIT, type ExitCode } from "./contract.ts";
import { exitCodeOf, messageOf, SettingsFault, Stopped, UsageFault } from "./errors.ts";
import { createLogger, createRedactor, createResultRedactor } from "./log.ts";
import { parseCount } from "./settings.ts";

/** The only file that reads the process: arguments, environment, signals, streams, exit. */

const env = process.env;
const redact = createRedactor(env);
const redactResult = createResultRedactor(env);
const isTerminal = process.stderr.isTTY === true;
const log = createLogger(env, (text) => process.stderr.write(text), isTerminal);
const stop = new AbortController();
const LONGEST_DEADLINE_S = 7 * 86_400;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () =>
    stop.abort(new Stopped(`stopped by ${signal}; what was done is stored`, EXIT.terminated)),
  );
}
/** What is under way when the process is told to stop has this long; then a hung connection must not hold it. */
const GRACE_MS = 8_000;
stop.signal.addEventListener("abort", () => {
  setTimeout(() => process.exit(exitCodeOf(stop.signal.reason)), GRACE_MS).unref();
});
let isReaderGone = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (isReaderGone) return;
  if (error.code !== "EPIPE") process.exit(EXIT.failed);
  // `candles | head` closes the pipe, since it has enough; what has come to its own end keeps its exit code
  isReaderGone = true;
  stop.abort(new Stopped("nobody reads the result any more", EXIT.done));
});

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<ExitCode> {
  try {
    return await runCommand(argv);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (isReaderGone && error === stop.signal.reason) return EXIT.done;
    const isExpected = error instanceof UsageFault || error instanceof SettingsFault;
    const text = redact(messageOf(error));
    if (isTerminal || isExpected) process.stderr.write(`${text}\n`);
    else
      log.fatal(
        {
          "event.name": "command_failed",
          "error.stack_trace": error instanceof Error ? error.stack : undefined,
        },
        `[RUN] ${text}`,
      );
    return exitCodeOf(error);
  }
}

/** Builds the parser around the one command that is asked for, so that only its modules are loaded. */
async function runCommand(argv: readonly string[]): Promise<ExitCode> {
  let outcome: ExitCode = EXIT.done;
  const program = new Commander("runner")
    .description("OHLCV candles from Binance into PostgreSQL")
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(redact(text)) })
    .addHelpText(
      "after",
      "\nExamples:\n  runner migrate\n  runner sync 1m --top 20\n  runner COMMAND --help",
    );
  for (const name of COMMANDS) {
    const { summary, load } = REGISTRY[name];
    const command = program.command(name).summary(summary).description(summary);
    if (argv[0] !== name && !(argv[0] === "help" && argv[1] === name)) continue;
    const loaded = await load();
    loaded.define(command);
    command.addHelpText(
      "after",
      `\nExamples:\n${loaded.examples.map((example) => `  runner ${example}`).join("\n")}`,
    );
    command.action(async (...args: unknown[]) => {
      const words = args.slice(0, -2).map((word) => (typeof word === "string" ? word : ""));
      outcome = await loaded.run(contextOf(name, command.opts()), words, command.opts());
    });
  }
  await program.parseAsync([...argv], { from: "user" });
  return outcome;
}

function contextOf(name: CommandName, options: RawOptions): Context {
  const faults = collectFaults();
  const deadlineS =
    faults.take("--deadline", options.deadline, (text) => parseCount(text, LONGEST_DEADLINE_S)) ?? null;
  if (deadlineS !== null) {
    // counted from the start of the process: the kubelet counts that too
    const leftMs = Math.max(0, deadlineS * 1000 - performance.now());
    const timer = setTimeout(
      () =>
        stop.abort(
          new Stopped(`the deadline of ${deadlineS} s passed; what was done is stored`, EXIT.deadline),
        ),
      leftMs,
    );
    timer.unref();
  }
  const runId = /^[0-9a-f-]{36}$/.test(env.R3A_RUN_ID ?? "") ? String(env.R3A_RUN_ID) : uuidv7();
  return {
    env,
    signal: stop.signal,
    log: log.child({ job_name: name, run_id: runId }),
    print: (text) => {
      if (!isReaderGone) process.stdout.write(redactResult(text));
    },
    isTerminal,
    deadlineS,
    faults: faults.list(),
    runId,
  };
}
