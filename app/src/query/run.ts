// Runs the querier.
import type { AppProcess } from "../process/app-process.ts";
import type { QueryOptions } from "./options.ts";

export async function runQuery(_options: QueryOptions, _process: AppProcess): Promise<void> {}
