// Errors of talking to a Prometheus server.
import { CodedError } from "@deucalion/base";

export type PrometheusErrorCode =
  | "PROMETHEUS_UNREACHABLE" // no connection, or it broke
  | "PROMETHEUS_STATUS" // an answer with a status other than 2xx; data has `status`
  | "PROMETHEUS_ANSWER" // an answer that is not what the API promises
  | "PROMETHEUS_FRAME"; // a frame of a remote-read stream is malformed

export class PrometheusError extends CodedError<PrometheusErrorCode> {}
