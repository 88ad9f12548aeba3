// How the last evaluation of a rule went, and what it left behind for the next one.
import type { Labels } from "@deucalion/model";

export type RuleHealth = "unknown" | "ok" | "err";

/** What every rule remembers between evaluations. It moves as a whole when a rule moves. */
export class RuleMemory {
  health: RuleHealth = "unknown";
  lastError: string | null = null;
  /** Wall clock at which the last evaluation began, ms; null before the first. */
  lastEvaluationMs: number | null = null;
  /** How long the last evaluation took, in ms. */
  evaluationMs = 0;
  /** Series that the last successful evaluation gave, by key: those that vanish get a stale marker. */
  previousSeries = new Map<string, Labels>();
  /** Evaluation times that are to be made up for, ascending, in ms. */
  backlog: number[] = [];

  succeeded(): void {
    this.health = "ok";
    this.lastError = null;
  }

  failed(message: string): void {
    this.health = "err";
    this.lastError = message;
  }
}
