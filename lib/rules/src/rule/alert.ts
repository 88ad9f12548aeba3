// One alert of an alerting rule: what is known of it between evaluations.
import type { Labels } from "@deucalion/model";
import type { Annotations } from "../spec.ts";

export type AlertState = "inactive" | "pending" | "firing";

/** Times are ms since the epoch; null where it has not happened. */
export interface Alert {
  readonly state: AlertState;
  /** Labels of the series and of the rule, `alertname` among them; without external labels. */
  readonly labels: Labels;
  readonly annotations: Annotations;
  /** Of the last evaluation; 0 for a histogram. */
  readonly value: number;
  readonly activeAtMs: number;
  readonly firedAtMs: number | null;
  readonly resolvedAtMs: number | null;
  readonly lastSentAtMs: number | null;
  /** `endsAt` of an alert that is not resolved. */
  readonly validUntilMs: number | null;
  readonly keepFiringSinceMs: number | null;
}
