// `node main.js PATH…`: the runner of PromQL test scripts by itself.
import { runPromqltest } from "./run-promqltest.ts";

const { failed } = await runPromqltest(process.argv.slice(2), (line) => console.log(line));
process.exitCode = failed === 0 ? 0 : 1;
