// The tree of a template, and each node as text, which error messages quote.

interface At {
  /** Offset in the template's text, in UTF-16 units. */
  readonly at: number;
}

export interface TextNode extends At {
  readonly kind: "text";
  readonly text: string;
}

export interface ListNode extends At {
  readonly kind: "list";
  readonly nodes: Node[];
}

export interface VariableNode extends At {
  readonly kind: "variable";
  /** The variable with its `$`, then fields. */
  readonly path: readonly string[];
}

export interface FieldNode extends At {
  readonly kind: "field";
  readonly path: readonly string[];
}

export interface ChainNode extends At {
  readonly kind: "chain";
  readonly node: Operand;
  readonly path: readonly string[];
}

export interface IdentifierNode extends At {
  readonly kind: "identifier";
  readonly name: string;
}

export interface NumberNode extends At {
  readonly kind: "number";
  readonly text: string;
  /** Null where the number is none of the kind. */
  readonly integer: bigint | null;
  readonly unsigned: bigint | null;
  readonly float: number | null;
  readonly complex: { readonly real: number; readonly imaginary: number } | null;
}

export interface StringNode extends At {
  readonly kind: "string";
  readonly quoted: string;
  readonly text: string;
}

export interface BoolNode extends At {
  readonly kind: "bool";
  readonly value: boolean;
}

export interface DotNode extends At {
  readonly kind: "dot";
}

export interface NilNode extends At {
  readonly kind: "nil";
}

export interface PipeNode extends At {
  readonly kind: "pipe";
  readonly assign: boolean;
  readonly variables: VariableNode[];
  readonly commands: CommandNode[];
}

export interface CommandNode extends At {
  readonly kind: "command";
  readonly args: Operand[];
}

export type Operand =
  | VariableNode
  | FieldNode
  | ChainNode
  | IdentifierNode
  | NumberNode
  | StringNode
  | BoolNode
  | DotNode
  | NilNode
  | PipeNode;

export interface ActionNode extends At {
  readonly kind: "action";
  readonly pipe: PipeNode;
}

export interface BranchNode extends At {
  readonly kind: "if" | "range" | "with";
  readonly pipe: PipeNode;
  readonly list: ListNode;
  readonly elseList: ListNode | null;
}

export interface TemplateNode extends At {
  readonly kind: "template";
  readonly name: string;
  readonly pipe: PipeNode | null;
}

export interface LoopNode extends At {
  readonly kind: "break" | "continue";
}

export interface EndNode extends At {
  readonly kind: "end" | "else";
}

export type Node =
  | TextNode
  | ListNode
  | ActionNode
  | BranchNode
  | TemplateNode
  | LoopNode
  | EndNode
  | CommandNode
  | Operand;
