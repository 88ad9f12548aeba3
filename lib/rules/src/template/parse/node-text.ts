// Nodes as text, for error messages.
import { quoteGo } from "@deucalion/promql";
import type { Node } from "./node.ts";

/** A node as Go prints it. */
export function nodeText(node: Node): string {
  switch (node.kind) {
    case "text":
      return quoteGo(node.text);
    case "list":
      return node.nodes.map(nodeText).join("");
    case "action":
      return `{{${nodeText(node.pipe)}}}`;
    case "if":
    case "range":
    case "with": {
      const rest = node.elseList === null ? "" : `{{else}}${nodeText(node.elseList)}`;
      return `{{${node.kind} ${nodeText(node.pipe)}}}${nodeText(node.list)}${rest}{{end}}`;
    }
    case "template": {
      const pipe = node.pipe === null ? "" : ` ${nodeText(node.pipe)}`;
      return `{{template ${quoteGo(node.name)}${pipe}}}`;
    }
    case "break":
    case "continue":
    case "end":
    case "else":
      return `{{${node.kind}}}`;
    case "pipe": {
      const names = node.variables.map(nodeText).join(", ");
      const commands = node.commands.map(nodeText).join(" | ");
      return names === "" ? commands : `${names} ${node.assign ? "=" : ":="} ${commands}`;
    }
    case "command":
      return node.args
        .map((arg) => (arg.kind === "pipe" ? `(${nodeText(arg)})` : nodeText(arg)))
        .join(" ");
    case "variable":
      return node.path.join(".");
    case "field":
      return node.path.map((name) => `.${name}`).join("");
    case "chain": {
      const inner = nodeText(node.node);
      const head = node.node.kind === "pipe" ? `(${inner})` : inner;
      return head + node.path.map((name) => `.${name}`).join("");
    }
    case "identifier":
      return node.name;
    case "number":
      return node.text;
    case "string":
      return node.quoted;
    case "bool":
      return String(node.value);
    case "dot":
      return ".";
    case "nil":
      return "nil";
  }
}
