// GET /api/v1/rules and /api/v1/alerts.
import { messageOf } from "@deucalion/base";
import { ApiError, badData } from "../../http/answers/api-error.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import type { Gathered, RuleGroupsJson, RulesQuery } from "../querier.ts";
import { tenantOf } from "../tenancy.ts";
import type { QueryContext } from "./query-context.ts";

const types = ["all", "alert", "record"] as const;

async function rules(
  context: QueryContext,
  exchange: Exchange,
  query: RulesQuery,
): Promise<Gathered<RuleGroupsJson>> {
  try {
    return await context.querier.rules(query, {
      partialResponse: context.options.partialResponses.rules,
      signal: exchange.signal,
      tenant: tenantOf(exchange, context.options.tenancy),
    });
  } catch (error) {
    throw new ApiError("internal", `error retrieving rules: ${messageOf(error)}`, { cause: error });
  }
}

export function rulesHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const text = exchange.query.get("type") ?? "";
    const type = types.find((t) => t === text.toLowerCase());
    if (text !== "" && type === undefined) throw badData(`invalid rules parameter type='${text}'`);
    const form = await exchange.form();
    return rules(context, exchange, {
      type: type ?? "all",
      matchers: form.all("match[]"),
      ruleNames: form.all("rule_name[]"),
      ruleGroups: form.all("rule_group[]"),
      files: form.all("file[]"),
    });
  };
}

export function alertsHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const { data, warnings } = await rules(context, exchange, {
      type: "alert",
      matchers: [],
      ruleNames: [],
      ruleGroups: [],
      files: [],
    });
    const alerts = data.groups.flatMap((group) =>
      group.rules.flatMap((rule) => (Array.isArray(rule.alerts) ? (rule.alerts as unknown[]) : [])),
    );
    return { data: { alerts: alerts.length === 0 ? null : alerts }, warnings };
  };
}
