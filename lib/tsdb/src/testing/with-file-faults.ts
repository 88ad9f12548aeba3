// How a test starts a process whose files fail.
import { fileURLToPath } from "node:url";
import type { FileFaults } from "./faulty-files.ts";

/** What a child process is started with, so that its files fail now and then. */
export interface FaultyStart {
  /** In front of the script. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Options of a Node process with faults, or, for null, of one without. */
export function withFileFaults(faults: FileFaults | null): FaultyStart {
  const { DEUCALION_FILE_FAULTS: _, ...env } = process.env;
  if (faults === null) return { args: [], env };
  const script = fileURLToPath(new URL("./faulty-files.js", import.meta.url));
  return {
    args: ["--import", script],
    env: { ...env, DEUCALION_FILE_FAULTS: JSON.stringify(faults) },
  };
}
