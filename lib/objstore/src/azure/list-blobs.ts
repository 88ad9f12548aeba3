// Reads Azure's listing, which is XML written by a machine.
import type { ListPage } from "../remote/remote-bucket.ts";

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function unescapeXml(text: string): string {
  return text.replace(/&(#x?[0-9a-fA-F]+|\w+);/g, (whole, name: string) => {
    if (!name.startsWith("#")) return entities[name] ?? whole;
    const code = name[1] === "x" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return String.fromCodePoint(code);
  });
}

function field(xml: string, name: string): string {
  const found = new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`).exec(xml);
  return found === null ? "" : unescapeXml(found[1]!);
}

/** Names may be percent-encoded where XML could not hold them. */
function nameOf(xml: string): string {
  const name = field(xml, "Name");
  return /<Name Encoded="true">/.test(xml) ? decodeURIComponent(name) : name;
}

export function parseBlobList(xml: string): ListPage {
  const objects: { name: string; attributes: { size: number; lastModifiedMs: number } }[] = [];
  for (const [, blob] of xml.matchAll(/<Blob>(.*?)<\/Blob>/gs)) {
    const attributes = {
      size: Number(field(blob!, "Content-Length")),
      lastModifiedMs: Date.parse(field(blob!, "Last-Modified")) || 0,
    };
    objects.push({ name: nameOf(blob!), attributes });
  }
  const folders = [...xml.matchAll(/<BlobPrefix>(.*?)<\/BlobPrefix>/gs)].map(([, one]) =>
    nameOf(one!),
  );
  return { objects, folders, next: field(xml, "NextMarker") || undefined };
}
