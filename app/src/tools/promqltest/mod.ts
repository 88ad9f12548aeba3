// Public names of the runner of PromQL test scripts.
export type { ScriptCounts } from "./run-promqltest.ts";
export { runPromqltest, runScript } from "./run-promqltest.ts";
