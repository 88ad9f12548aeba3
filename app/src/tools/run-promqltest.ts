// `deucalion tools promqltest`: runs scripts and fails when one of their checks does.
import { AppError } from "../errors.ts";
import type { AppProcess } from "../process/app-process.ts";
import { runPromqltest } from "./promqltest/run-promqltest.ts";

export async function promqltestCommand(
  paths: readonly string[],
  process: AppProcess,
): Promise<void> {
  const { failed } = await runPromqltest([...paths], (line) => process.write(`${line}\n`));
  if (failed > 0) throw new AppError("APP_CONFIG", `${failed} checks failed`);
}
