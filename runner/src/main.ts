import { once } from "node:events";
import { Command as Commander, CommanderError } from "commander";
import { uuidv7 } from "uuidv7";
import { collectFaults, type RawOptions } from "./commands/command.ts";
import { commandMeantBy, REGISTRY } from "./commands/registry.ts";
import type { Context } from "./context.ts";
import { COMMANDS, type CommandName, onlyReads } from "./contract/commands.ts";
import { EXIT, type ExitCode } from "./contract/exits.ts";
import { LAUNCH } from "./contract/launch.ts";
import { VERSION } from "./contract/version.ts";
import { Checked, exitCodeOf, messageOf, SettingsFault, Stopped, TryAgain, UsageFault } from "./errors.ts";
import { renderBackground } from "./help.ts";
import { createLogger } from "./log.ts";
import { isSimulated, placeOfMark, renderNote, SIMULATED } from "./mark.ts";
import { commandLine, programName, setProgramName } from "./program-name.ts";
import { createRedactor, createResultRedactor } from "./redact.ts";
import { type Environment, parseSettings } from "./settings/parse.ts";
import { parseCount } from "./settings/parsers.ts";
import type { Settings } from "./settings/table.ts";
import { describeUnderWay } from "./under-way.ts";

/** The only file that reads the process itself: arguments, environment, signals, streams, exit. */

const env = process.env;
setProgramName(env[LAUNCH.program] || "r3a");
const redact = createRedactor(env);
const redactResult = createResultRedactor(env);
const isTerminal = process.stderr.isTTY === true;
const log = createLogger(env, (text) => process.stderr.write(text), isTerminal);
const stop = new AbortController();
const LONGEST_DEADLINE_S = 7 * 86_400;

const isReading = onlyReads(process.argv[2]);
const KEPT = isReading ? "" : "; what was done is stored";

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => stop.abort(new Stopped(`stopped by ${signal}${KEPT}`, EXIT.terminated)));
}
/**
 * Work that is under way when the process is told to stop has this long to end. Then a connection that hangs must not
 * keep the process.
 */
const GRACE_MS = 8_000;
let underWayAtStop: string | null = null;
stop.signal.addEventListener("abort", () => {
  underWayAtStop = describeUnderWay();
  setTimeout(() => {
    const { reason } = stop.signal;
    const left = describeUnderWay() ?? "nothing that it knows of";
    tellFatal(
      "forced_end",
      `${messageOf(reason)}; ended by force ${GRACE_MS / 1000} s later; under way: ${left}`,
    );
    process.exit(exitCodeOf(reason));
  }, GRACE_MS).unref();
});
/**
 * An error that nobody caught leaves the process in a state that nobody knows. So the process ends, and it says why in
 * a sentence instead of a bare stack.
 */
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    const left = describeUnderWay();
    tellFatal(
      "not_caught",
      `an error that nobody caught: ${messageOf(error)}${left === null ? "" : `; under way: ${left}`}`,
      error,
    );
    process.exit(exitCodeOf(error));
  });
}
let isReaderGone = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (isReaderGone) return;
  if (error.code !== "EPIPE") process.exit(EXIT.failed);
  // `candles | head` closes the pipe when it has enough; a command that has already ended keeps its exit code
  isReaderGone = true;
  stop.abort(new Stopped("nobody reads the result any more", EXIT.done));
});

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<ExitCode> {
  try {
    return await runCommand(argv);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Checked) return EXIT.done;
    if (isReaderGone && error === stop.signal.reason) return EXIT.done;
    const isExpected = error instanceof UsageFault || error instanceof SettingsFault;
    // an error after the stop is mostly caused by the stop: the process then ends with the reason of the stop
    const isStopped = stop.signal.aborted && (error === stop.signal.reason || error instanceof TryAgain);
    const text = isStopped ? describeStop(error) : messageOf(error);
    const hint = error instanceof UsageFault ? `see ${commandLine(`${argv[0]} --help`)}\n` : "";
    if (isExpected) process.stderr.write(`${redact(text)}\n${hint}`);
    // a state that passes, and a stop, are no faults of this program: its stack would lead nobody to them
    else tellFatal("command_failed", text, exitCodeOf(error) === EXIT.failed ? error : undefined);
    return exitCodeOf(isStopped ? stop.signal.reason : error);
  }
}

/** The reason of the stop, what was under way at that moment, and the error that followed. */
function describeStop(error: unknown): string {
  const { reason } = stop.signal;
  // a person who stops a query knows what was under way
  if (isReading && exitCodeOf(reason) === EXIT.terminated) return messageOf(reason);
  const parts = [
    messageOf(reason),
    ...(underWayAtStop === null ? [] : [`under way: ${underWayAtStop}`]),
    ...(error === reason ? [] : [messageOf(error)]),
  ];
  return parts.join("; ");
}

/**
 * The last message of the process: a line for a person, else a line of the log; stderr also where the log is silent.
 */
function tellFatal(eventName: string, text: string, error?: unknown): void {
  if (isTerminal || !log.isLevelEnabled("fatal")) process.stderr.write(`${redact(text)}\n`);
  else
    log.fatal(
      {
        "event.name": eventName,
        "error.stack_trace": error instanceof Error ? error.stack : undefined,
      },
      `[RUN] ${text}`,
    );
}

/**
 * Builds the parser with the options of the requested command only, so that only the modules of this command are
 * loaded.
 */
async function runCommand(argv: readonly string[]): Promise<ExitCode> {
  let outcome: ExitCode = EXIT.done;
  const program = new Commander(programName())
    .description("OHLCV candles from Binance into PostgreSQL")
    .version(`r3a ${VERSION}`, "-V, --version", "print the version")
    .exitOverride()
    .showHelpAfterError(`see ${commandLine("--help")}`)
    // without arguments this is the help, which has nothing of a person, and shows the form of DB_URL
    .configureOutput({ writeErr: (text) => process.stderr.write(argv.length === 0 ? text : redact(text)) })
    .addHelpText(
      "after",
      ({ command }) =>
        `\nExamples:\n${listLines(["migrate", "sync 1m --top 20", "COMMAND --help"])}\n${renderBackground(command)}`,
    );
  for (const name of COMMANDS) {
    const { summary, load } = REGISTRY[name];
    const command = program
      .command(name)
      .summary(summary)
      .description(summary)
      .showHelpAfterError(`see ${commandLine(`${name} --help`)}`);
    if (argv[0] !== name && !(argv[0] === "help" && argv[1] === name)) continue;
    const loaded = await load();
    loaded.define(command);
    command.addHelpText("after", `\nExamples:\n${listLines(loaded.examples)}`);
    command.action(async (...args: unknown[]) => {
      // commander gives undefined for a word that may be left out
      const words = args.slice(0, -2).filter((word) => typeof word === "string");
      outcome = await loaded.run(contextOf(name, command.opts()), words, command.opts());
    });
  }
  const meant = commandMeantBy(argv[0]);
  // in the words of commander, which knows only names that are spelled alike
  if (meant !== null) program.error(`error: unknown command '${argv[0]}'\n(Did you mean ${meant}?)`);
  await program.parseAsync([...argv], { from: "user" });
  return outcome;
}

/** Command lines to copy, one in a line. */
function listLines(lines: readonly string[]): string {
  return lines.map((line) => `  ${commandLine(line)}`).join("\n");
}

/** Null also where one is wrong: the command reports that together with the faults of its other settings. */
function identityOf(environment: Environment): Pick<Settings, "runId" | "runOrigin"> {
  try {
    return parseSettings(environment, ["runId", "runOrigin"]);
  } catch (error) {
    if (error instanceof SettingsFault) return { runId: null, runOrigin: null };
    throw error;
  }
}

function contextOf(name: CommandName, options: RawOptions): Context {
  const faults = collectFaults();
  const deadlineS =
    faults.take("--deadline", options.deadline, (text) => parseCount(text, LONGEST_DEADLINE_S)) ?? null;
  // where a command repeats, the deadline belongs to each cycle
  if (deadlineS !== null && options.every === undefined) {
    // counted from the start of the process, as the kubelet counts its own deadline
    const leftMs = Math.max(0, deadlineS * 1000 - performance.now());
    const timer = setTimeout(
      () => stop.abort(new Stopped(`the deadline of ${deadlineS} s passed${KEPT}`, EXIT.deadline)),
      leftMs,
    );
    timer.unref();
  }
  const identity = identityOf(env);
  const runId = identity.runId ?? uuidv7();
  const logOf = (id: string) => log.child({ job_name: name, run_id: id });
  const write = (text: string) => {
    if (!isReaderGone) process.stdout.write(redactResult(text));
  };
  const isMadeUp = isSimulated(env.DB_URL);
  const place = isMadeUp ? placeOfMark(options) : null;
  process.stderr.write(renderNote(env[LAUNCH.note], isMadeUp, place));
  let mark = place === "stdout" ? `${SIMULATED}\n` : "";
  return {
    env,
    signal: stop.signal,
    log: logOf(runId),
    logOf,
    redact,
    print: (text) => {
      write(mark + text);
      mark = "";
    },
    async printed() {
      if (!process.stdout.writableNeedDrain) return;
      await once(process.stdout, "drain", { signal: stop.signal }).catch(() => stop.signal.throwIfAborted());
    },
    terminal: isTerminal ? process.stderr : null,
    deadlineS,
    faults: faults.list(),
    isCheck: env[LAUNCH.check] !== undefined,
    isSimulated: isMadeUp,
    runId,
    origin: identity.runOrigin,
  };
}
