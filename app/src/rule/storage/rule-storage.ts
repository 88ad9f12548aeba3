// Where the samples of rules go, and where the state of alerts is found again.

import type { Matcher } from "@deucalion/model";
import type { AppendRejection, AppendSample, ForStateSeries } from "@deucalion/rules";
import type { Actor } from "../../process/run-group.ts";

export interface RuleStorage {
  /** Stores samples of one rule; what it returns was not taken. Throws RULES_APPEND if none could be stored. */
  append(
    samples: readonly AppendSample[],
    signal: AbortSignal,
  ): Promise<readonly AppendRejection[]>;
  /** Waits, not for long, until what was appended can be queried. Absent where that is so at once. */
  settle?(signal: AbortSignal): Promise<void>;
  /** Last samples of matching series in a time range (ms, inclusive). */
  readForState(
    matchers: readonly Matcher[],
    minTimeMs: number,
    maxTimeMs: number,
    signal: AbortSignal,
  ): Promise<readonly ForStateSeries[]>;
  /** Maintains what is stored until it is stopped, and closes it. */
  readonly actor: Actor;
}
