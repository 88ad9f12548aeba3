// Helpers for tests of rules.
export { alerting, group, RecordedProcess, recording, sample } from "./recorded-process.ts";
