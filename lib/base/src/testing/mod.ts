// What tests of every package need.
export { freePort } from "./free-port.ts";
