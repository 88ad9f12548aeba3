// Every decoder that reads bytes of others, with real inputs to damage.
import { join } from "node:path";
import { remoteReadFuzzTargets } from "@deucalion/app";
import { fuzzTargets as storeapiTargets } from "@deucalion/storeapi/testing";
import { type FuzzTarget, fuzzTargets as tsdbTargets } from "@deucalion/tsdb/testing";
import { conformanceRoot } from "../support/mod.ts";

/** All targets of all packages. */
export async function allFuzzTargets(): Promise<FuzzTarget[]> {
  return [
    ...(await tsdbTargets()),
    ...storeapiTargets().map(({ name, samples, run }) => ({ name, corpus: samples, run })),
    ...(await remoteReadFuzzTargets(join(conformanceRoot, "wire/remote-read"))),
  ];
}
