// The ruler's HTTP API: rules and alerts, reload, and what all components have.
import { createHash } from "node:crypto";
import { messageOf } from "@deucalion/base";
import { type ParseOptions, parseMetricSelector } from "@deucalion/promql";
import {
  dedupRuleGroups,
  filterRuleGroups,
  type RuleGroup as RuleGroupMessage,
  RuleGroupsMessage,
} from "@deucalion/storeapi";
import { badData } from "../../http/answers/api-error.ts";
import { respondText } from "../../http/answers/text-response.ts";
import type { ApiHandler, HttpServer } from "../../http/http-server.ts";
import type { FormValues } from "../../http/requests/form-values.ts";
import { baseApi } from "../../http/routes/base-api.ts";
import { componentUi } from "../../http/routes/ui-routes.ts";
import type { AppProcess } from "../../process/app-process.ts";
import type { OwnRules } from "./rules-source.ts";

export interface RuleApiOptions {
  /** "" or a path that begins with a slash and does not end with one. */
  readonly routePrefix: string;
  readonly externalPrefix: string;
  readonly prefixHeader: string;
  readonly disableCors: boolean;
  /** Where expressions can be looked at. */
  readonly queryUrl: string;
  readonly parse: ParseOptions;
}

export interface RuleApiDeps {
  readonly app: AppProcess;
  readonly rules: OwnRules;
  /** Reads the rule files again. Throws what is wrong with them. */
  readonly reload: () => Promise<void>;
}

/** As much of the JSON of groups as alerts are found by. */
interface RuleGroupsJson {
  readonly groups: readonly { readonly rules: readonly { readonly alerts?: unknown[] }[] }[];
}

const types = ["all", "alert", "record"];

function boolean(text: string, name: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (text === "" || /^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw badData(
    `error converting ${name}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

/** What the next page begins with, as Prometheus names it. */
function tokenOf({ file, name }: RuleGroupMessage): string {
  return createHash("sha1").update(`${file};${name}`).digest("hex");
}

/** `group_limit` and `group_next_token`: one page of groups, and the token of the one behind it. */
function paged(
  groups: readonly RuleGroupMessage[],
  form: FormValues,
): { readonly page: readonly RuleGroupMessage[]; readonly next: string | null } {
  const limitText = form.get("group_limit");
  const token = form.get("group_next_token");
  if (limitText === "") {
    if (token === "") return { page: groups, next: null };
    throw badData("group_limit needs to be set in order to paginate over the groups");
  }
  const limit = /^\d+$/.test(limitText) ? Number(limitText) : -1;
  if (limit < 0) throw badData(`group_limit needs to be a valid number: ${limitText}`);
  if (limit === 0) throw badData("group_limit needs to be greater than 0");
  const from = token === "" ? 0 : groups.findIndex((group) => tokenOf(group) === token);
  if (from < 0) throw badData(`invalid group_next_token '${token}'. were rule groups changed?`);
  const behind = groups[from + limit];
  return {
    page: groups.slice(from, from + limit),
    next: behind === undefined ? null : tokenOf(behind),
  };
}

function rulesHandler(rules: OwnRules, parse: ParseOptions): ApiHandler {
  return async (exchange) => {
    const form = await exchange.form();
    const typeText = form.get("type").toLowerCase();
    const type = typeText === "" ? 0 : types.indexOf(typeText);
    if (type < 0) throw badData(`invalid rules parameter type='${form.get("type")}'`);
    const withoutAlerts = boolean(form.get("exclude_alerts"), "exclude_alerts");
    let matchers: ReturnType<typeof parseMetricSelector>[];
    try {
      matchers = form.all("match[]").map((text) => parseMetricSelector(text, parse));
    } catch (error) {
      throw badData(messageOf(error));
    }
    const filtered = filterRuleGroups(rules.ofKind(type), {
      matchers,
      ruleNames: form.all("rule_name[]"),
      ruleGroups: form.all("rule_group[]"),
      files: form.all("file[]"),
    });
    const { page, next } = paged(dedupRuleGroups(filtered, []), form);
    const groups = !withoutAlerts
      ? [...page]
      : page.map((group) => ({
          ...group,
          rules: group.rules.map((rule) =>
            rule.alert === undefined ? rule : { alert: { ...rule.alert, alerts: [] } },
          ),
        }));
    const data = RuleGroupsMessage.toJson({ groups }) as object;
    return { data: next === null ? data : { ...data, groupNextToken: next } };
  };
}

/** Registers everything. */
export async function registerRuleApi(
  server: HttpServer,
  options: RuleApiOptions,
  { app, rules, reload }: RuleApiDeps,
): Promise<void> {
  const { routePrefix } = options;
  const base = `${routePrefix}/api/v1`;
  baseApi(server, routePrefix, app, options);
  server.api(["GET"], `${base}/rules`, "rules", options, rulesHandler(rules, options.parse));
  server.api(["GET"], `${base}/alerts`, "alerts", options, () => {
    const json = RuleGroupsMessage.toJson({ groups: rules.ofKind(1) }) as RuleGroupsJson;
    const alerts = json.groups.flatMap((group) => group.rules.flatMap((rule) => rule.alerts ?? []));
    return { data: { Alerts: alerts.length === 0 ? null : alerts } };
  });
  server.route(["POST"], `${routePrefix}/-/reload`, "reload", async (exchange) => {
    try {
      await reload();
    } catch (error) {
      return respondText(exchange, 500, messageOf(error));
    }
    respondText(exchange, 200, "");
  });
  await componentUi(server, "rule", { ...options });
}
