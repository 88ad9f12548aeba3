// What whole-system tests share.
export { chromiumBinary, prometheusBinary, promtoolBinary } from "./peers.ts";
export { deucalion, eventually, freePort, getJson, Running, sleep } from "./processes.ts";
export { conformanceRoot, repositoryRoot } from "./repository.ts";
