// Alerts of rules as Alertmanagers are told of them, with links to their expressions.
import { messageOf } from "@deucalion/base";
import { type Alert, TextTemplate } from "@deucalion/rules";
import { AppError } from "../errors.ts";
import type { OutgoingAlert } from "../notify/alert-queue.ts";

/** The link to an expression. */
export type SourceLink = (expr: string) => string;

/** As Go's url.QueryEscape. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** `--alert.query-template` behind `--alert.query-url`. Throws APP_CONFIG for what is no template over `.Expr`. */
export function sourceLink(queryUrl: string, text: string): SourceLink {
  try {
    const template = new TextTemplate("url", text);
    template.expand("main.Expression", { Expr: "test_expr" });
    return (expr) => queryUrl + template.expand("main.Expression", { Expr: queryEscape(expr) });
  } catch (cause) {
    const reason = `invalid alert source template: ${messageOf(cause)}`;
    throw new AppError("APP_CONFIG", reason, {}, { cause });
  }
}

/** Firing and resolved alerts of one rule; pending ones are left out. */
export function outgoingAlerts(
  alerts: readonly Alert[],
  query: string,
  link: SourceLink,
): OutgoingAlert[] {
  const generatorUrl = link(query);
  return alerts.flatMap((alert) => {
    if (alert.state === "pending") return [];
    return [
      {
        labels: alert.labels,
        annotations: Object.fromEntries(alert.annotations),
        startsAt: alert.firedAtMs ?? alert.activeAtMs,
        endsAt: alert.resolvedAtMs ?? alert.validUntilMs ?? alert.activeAtMs,
        generatorUrl,
      },
    ];
  });
}
