// A Go template over named texts, with Go's own functions only: links to expressions are made with it.
import { builtins } from "./builtins.ts";
import { executeTemplate } from "./execute/execute.ts";
import { GoStruct } from "./go/go-value.ts";
import { type ParsedTemplate, parseTemplate } from "./parse/parse.ts";

export class TextTemplate {
  readonly #parsed: ParsedTemplate;

  /** Throws RULES_TEMPLATE_PARSE with Go's message. */
  constructor(name: string, text: string) {
    this.#parsed = parseTemplate(name, text, new Set(Object.keys(builtins)));
  }

  /** `fields` are what `.Name` stands for; `type` names them in errors. Throws RULES_TEMPLATE_EXECUTE. */
  expand(type: string, fields: Readonly<Record<string, string>>): string {
    const data = new GoStruct(type, new Map(Object.entries(fields)));
    return executeTemplate(this.#parsed, data, () => undefined);
  }
}
