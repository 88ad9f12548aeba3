// `tools bucket ls -o TEMPLATE`: the part of Go's templates that names fields of a block.
import { AppError } from "../../errors.ts";

type Value = unknown;
type Piece = string | ((meta: Value) => string);

/** Go's names of fields whose JSON names do not follow from them. */
const jsonNames: Readonly<Record<string, string>> = {
  ULID: "ulid",
  SegmentFiles: "segment_files",
  RelPath: "rel_path",
  SizeBytes: "size_bytes",
  IndexStats: "index_stats",
  SeriesMaxSize: "series_max_size",
  ChunkMaxSize: "chunk_max_size",
  UploadTime: "upload_time",
};

function isRecord(value: Value): value is Record<string, Value> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fieldOf(value: Value, name: string): Value {
  if (!isRecord(value)) return undefined;
  if (name in value) return value[name];
  return value[jsonNames[name] ?? name.charAt(0).toLowerCase() + name.slice(1)];
}

/** A value as Go's `%v` prints it. */
function printed(value: Value): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return `[${value.map(printed).join(" ")}]`;
  if (isRecord(value)) {
    const keys = Object.keys(value).sort();
    return `map[${keys.map((key) => `${key}:${printed(value[key])}`).join(" ")}]`;
  }
  return String(value);
}

/** Numbers and strings that Go prints although JSON leaves them out. */
function orZero(value: Value, name: string): Value {
  if (value !== undefined) return value;
  return /^(Num[A-Z]\w*|Level|Resolution|Version|MinTime|MaxTime|\w+Size)$/.test(name) ? 0 : value;
}

function parseAction(action: string): (meta: Value) => string {
  const path = /^(?:\.[A-Za-z_]\w*)+$/.exec(action);
  const indexed = /^index ((?:\.[A-Za-z_]\w*)+) "([^"\\]*)"$/.exec(action);
  if (action === ".") return printed;
  if (path === null && indexed === null) {
    const message = `invalid template: {{${action}}}: only fields such as {{.ULID}} and {{index .Thanos.Labels "name"}} are supported`;
    throw new AppError("APP_CONFIG", message);
  }
  const names = (path?.[0] ?? indexed![1]!).slice(1).split(".");
  return (meta) => {
    let value: Value = meta;
    for (const name of names) value = orZero(fieldOf(value, name), name);
    if (indexed !== null) value = isRecord(value) ? (value[indexed[2]!] ?? "") : "";
    return printed(value);
  };
}

/** Compiles a template; the result prints one block. Throws APP_CONFIG for what is not supported. */
export function blockTemplate(template: string): (meta: Value) => string {
  const pieces: Piece[] = [];
  let at = 0;
  const action = /\{\{(-?)\s*(.*?)\s*(-?)\}\}/gs;
  for (const found of template.matchAll(action)) {
    let text = template.slice(at, found.index);
    if (found[1] === "-") text = text.trimEnd();
    pieces.push(text, parseAction(found[2]!));
    at = found.index + found[0].length;
    if (found[3] === "-") at += /^\s*/.exec(template.slice(at))![0].length;
  }
  if (template.slice(at).includes("{{"))
    throw new AppError("APP_CONFIG", "invalid template: unclosed action");
  pieces.push(template.slice(at));
  return (meta) =>
    pieces.map((piece) => (typeof piece === "string" ? piece : piece(meta))).join("");
}
