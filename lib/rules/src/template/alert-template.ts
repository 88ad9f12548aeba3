// Templates in labels and annotations of alerting rules.
import { messageOf } from "@deucalion/base";
import type { Labels } from "@deucalion/model";
import type { RuleSample } from "../deps.ts";
import { RulesError } from "../errors.ts";
import { builtins } from "./builtins.ts";
import { executeTemplate } from "./execute/execute.ts";
import { functionNames, templateFunctions } from "./functions.ts";
import { GoFailure, GoInterface, GoMap, GoStruct, type GoValue } from "./go/go-value.ts";
import { type ParsedTemplate, parseTemplate } from "./parse/parse.ts";
import { sampleValue } from "./sample-value.ts";

/** Variables that are easier to remember than the fields behind them. */
const prelude =
  "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

const knownFunctions: ReadonlySet<string> = new Set([...Object.keys(builtins), ...functionNames]);

/** Different queries that one expansion may make. */
const queriesMax = 100;

/** What an expansion knows beside the sample. */
export interface TemplateContext {
  /** Evaluation time, ms. */
  readonly timeMs: number;
  readonly externalLabels: Labels;
  /** `$externalURL`. */
  readonly externalUrl: string;
  /** What the functions `externalURL` and `pathPrefix` give, if not `externalUrl`; null: they fail. */
  readonly functionUrl?: string | null;
  /** Evaluates an instant query at the evaluation time. */
  readonly query: (text: string) => Promise<readonly RuleSample[]>;
  /** Told of each expansion; the error is null where there was none. */
  readonly expanded?: (error: string | null) => void;
}

function templateName(alert: string): string {
  return `__alert_${alert}`;
}

/** The error in Go's words of a label or annotation that is no template; null if it is one. */
export function templateProblem(alert: string, text: string): string | null {
  if (!text.includes("{{")) return null;
  try {
    parseTemplate(templateName(alert), prelude + text, knownFunctions);
    return null;
  } catch (thrown) {
    if (thrown instanceof RulesError) return thrown.message;
    throw thrown;
  }
}

/** Ends an execution that lacks the answer to a query; it begins anew once the answer is there. */
class AnswerMissing extends Error {
  readonly query: string;

  constructor(query: string) {
    super("answer missing");
    this.query = query;
  }
}

type Answer = readonly RuleSample[] | GoFailure;

const dataType =
  "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }";

/** One label or annotation, parsed once. */
export class AlertTemplate {
  readonly #name: string;
  readonly #text: string;
  #parsed: ParsedTemplate | string | undefined;

  constructor(alert: string, text: string) {
    this.#name = templateName(alert);
    this.#text = text;
  }

  /** The text for a sample; where that fails, `<error expanding template: …>`. */
  async expand(sample: RuleSample, context: TemplateContext): Promise<string> {
    if (!this.#text.includes("{{")) {
      context.expanded?.(null);
      return this.#text;
    }
    try {
      const text = await this.#run(sample, context);
      context.expanded?.(null);
      return text;
    } catch (thrown) {
      if (!(thrown instanceof RulesError)) throw thrown;
      context.expanded?.(thrown.message);
      return `<error expanding template: ${thrown.message}>`;
    }
  }

  async #run(sample: RuleSample, context: TemplateContext): Promise<string> {
    const template = this.#parse();
    const answers = new Map<string, Answer>();
    const { timeMs, externalUrl } = context;
    const functions = templateFunctions({
      timeMs,
      externalUrl: context.functionUrl === undefined ? externalUrl : context.functionUrl,
      query: (text) => {
        const answer = answers.get(text);
        if (answer === undefined) throw new AnswerMissing(text);
        if (answer instanceof GoFailure) throw answer;
        return answer;
      },
    });
    const data = templateData(sample, context);
    for (;;) {
      try {
        return executeTemplate(template, data, functions);
      } catch (thrown) {
        if (!(thrown instanceof AnswerMissing)) throw this.#executing(thrown);
        answers.set(thrown.query, await ask(thrown.query, answers.size, context));
      }
    }
  }

  #parse(): ParsedTemplate {
    if (this.#parsed === undefined) {
      try {
        this.#parsed = parseTemplate(this.#name, prelude + this.#text, knownFunctions);
      } catch (thrown) {
        this.#parsed = messageOf(thrown);
      }
    }
    if (typeof this.#parsed !== "string") return this.#parsed;
    const message = `error parsing template ${this.#name}: ${this.#parsed}`;
    throw new RulesError("RULES_TEMPLATE_PARSE", message);
  }

  #executing(thrown: unknown): unknown {
    if (!(thrown instanceof RulesError)) return thrown;
    const message = `error executing template ${this.#name}: ${thrown.message}`;
    return new RulesError("RULES_TEMPLATE_EXECUTE", message, {}, { cause: thrown });
  }
}

async function ask(text: string, asked: number, context: TemplateContext): Promise<Answer> {
  if (asked >= queriesMax) return new GoFailure(`a template may make ${queriesMax} queries`);
  try {
    return await context.query(text);
  } catch (thrown) {
    return new GoFailure(messageOf(thrown));
  }
}

function templateData(sample: RuleSample, context: TemplateContext): GoStruct {
  const fields = new Map<string, GoValue>([
    ["Labels", new GoMap("string", new Map(sample.labels))],
    ["ExternalLabels", new GoMap("string", new Map(context.externalLabels))],
    ["ExternalURL", context.externalUrl],
    ["Value", new GoInterface(sampleValue(sample))],
  ]);
  return new GoStruct(dataType, fields);
}
