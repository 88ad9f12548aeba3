// What this build is: version, revision, platform.
import { readFileSync } from "node:fs";

/** As `/api/v1/status/buildinfo` shows it; `goVersion` holds the version of Node. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildUser: string;
  readonly buildDate: string;
  readonly goVersion: string;
}

/** Reads the version of the package; the rest comes from the environment of whoever packages it. */
export function buildInfo(): BuildInfo {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return {
    version,
    revision: process.env.DEUCALION_REVISION ?? "unknown",
    branch: process.env.DEUCALION_BRANCH ?? "",
    buildUser: process.env.DEUCALION_BUILD_USER ?? "",
    buildDate: process.env.DEUCALION_BUILD_DATE ?? "",
    goVersion: process.version,
  };
}

/** The text of `--version`. */
export function versionText(info: BuildInfo): string {
  return [
    `deucalion, version ${info.version} (branch: ${info.branch}, revision: ${info.revision})`,
    `  build user:       ${info.buildUser}`,
    `  build date:       ${info.buildDate}`,
    `  node version:     ${info.goVersion}`,
    `  platform:         ${process.platform}/${process.arch}`,
    "",
  ].join("\n");
}
