// Where the checkout and the conformance data lie.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the checkout; this file runs from test/dist/support. */
export const repositoryRoot: string = dirname(
  dirname(dirname(dirname(fileURLToPath(import.meta.url)))),
);

/** Recorded data of the real programs, read in place. */
export const conformanceRoot: string = join(repositoryRoot, "../shared/conformance");
