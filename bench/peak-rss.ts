import { writeFileSync } from "node:fs";

// loaded before the program under measurement: only the process itself can read its peak exactly
const file = process.env.R3A_BENCH_RSS_FILE;
if (file !== undefined) process.on("exit", () => writeFileSync(file, String(process.resourceUsage().maxRSS)));
