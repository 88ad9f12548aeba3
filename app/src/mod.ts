// Public names of the app, for whole-system tests and measurements.

export { JsonWriter } from "./http/answers/json-writer.ts";
export { remoteReadFuzzTargets } from "./prometheus/fuzz-targets.ts";
export { writeResult } from "./query/api/result-json.ts";
