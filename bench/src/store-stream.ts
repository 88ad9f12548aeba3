// The StoreAPI stream of 20k series × 10 chunks over loopback, server and client in this process.
import { measureSeriesStream, streamDefaults } from "@deucalion/storeapi/testing";
import { median, type Workload } from "./workload.ts";

export const storeStream: Workload = {
  name: "store-stream",
  about:
    "Series stream of 20k series × 10 chunks of 200 bytes over loopback; CPU is of server and client together",
  run: async (rounds) => {
    const all = [];
    for (let round = 0; round <= 2 * rounds; round++)
      all.push(await measureSeriesStream(streamDefaults));
    const warm = all.slice(1);
    return [
      {
        name: "throughput",
        value: median(warm.map((one) => one.megabytesPerSecond)),
        unit: "MB/s",
      },
      { name: "wall", value: median(warm.map((one) => one.wallMs)), unit: "ms" },
      { name: "CPU", value: median(warm.map((one) => one.cpuMs)), unit: "ms" },
    ];
  },
};
