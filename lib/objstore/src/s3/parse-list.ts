// Reads the answer of ListObjectsV2. Only what a listing needs is looked at.
import type { ListPage } from "../remote/remote-bucket.ts";

/** The text of the first `<tag>` in `[from, to)`, or undefined. */
function field(xml: string, tag: string, from: number, to: number): string | undefined {
  const start = xml.indexOf(`<${tag}>`, from);
  if (start < 0 || start >= to) return undefined;
  const at = start + tag.length + 2;
  const end = xml.indexOf("<", at);
  return end < 0 ? undefined : unescaped(xml.slice(at, end));
}

const named: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

function unescaped(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (all, hex, decimal, name: string) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return named[name] ?? all;
  });
}

/** Calls `visit` with the bounds of each element. */
function each(xml: string, tag: string, visit: (from: number, to: number) => void): void {
  const open = `<${tag}>`;
  const close = `</${tag}>`;
  for (let at = xml.indexOf(open); at >= 0; ) {
    const end = xml.indexOf(close, at);
    if (end < 0) return;
    visit(at + open.length, end);
    at = xml.indexOf(open, end);
  }
}

/** Undefined if it is no such answer, or not a whole one. */
export function parseList(xml: string): ListPage | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml) || !xml.trimEnd().endsWith("</ListBucketResult>"))
    return undefined;
  const objects: ListPage["objects"][number][] = [];
  const folders: string[] = [];
  each(xml, "Contents", (from, to) => {
    const name = field(xml, "Key", from, to);
    if (name === undefined) return;
    const size = Number(field(xml, "Size", from, to) ?? 0);
    const lastModifiedMs = Date.parse(field(xml, "LastModified", from, to) ?? "") || 0;
    objects.push({ name, attributes: { size, lastModifiedMs } });
  });
  each(xml, "CommonPrefixes", (from, to) => {
    const name = field(xml, "Prefix", from, to);
    if (name !== undefined) folders.push(name);
  });
  const truncated = field(xml, "IsTruncated", 0, xml.length) === "true";
  const next = truncated ? field(xml, "NextContinuationToken", 0, xml.length) : undefined;
  if (truncated && next === undefined) return undefined;
  return { objects, folders, next };
}
