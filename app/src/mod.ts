// Public names of the app, for whole-system tests.

export { remoteReadFuzzTargets } from "./prometheus/fuzz-targets.ts";
