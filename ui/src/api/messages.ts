// Sorts the `warnings` of an answer into what they mean for its reader.

/** What came with an answer, by kind; each text once, in the order of arrival. */
export interface Messages {
  /** The answer lacks data: some store did not give its part. */
  readonly missing: readonly string[];
  /** PromQL warnings: the expression does something doubtful. */
  readonly warnings: readonly string[];
  /** PromQL infos, and notes of the engine. */
  readonly infos: readonly string[];
  /** A list was cut by a limit. */
  readonly cut: readonly string[];
}

/** No message at all. */
export const noMessages: Messages = { missing: [], warnings: [], infos: [], cut: [] };

/** Sorts warnings (and Prometheus' separate `infos`) by kind. A text that nothing is known about counts as missing data. */
export function sortMessages(
  warnings: readonly string[] | undefined,
  infos?: readonly string[] | undefined,
): Messages {
  const missing = new Set<string>();
  const doubtful = new Set<string>();
  const notes = new Set<string>(infos?.map((text) => text.replace(/^PromQL info: /, "")));
  const cut = new Set<string>();
  for (const text of warnings ?? []) {
    if (text.startsWith("PromQL info: ")) notes.add(text.slice("PromQL info: ".length));
    else if (text.startsWith("PromQL warning: ")) {
      doubtful.add(text.slice("PromQL warning: ".length));
    } else if (/truncated due to limit/.test(text)) cut.add(text);
    else if (/^Query analysis is/i.test(text)) notes.add(text);
    else missing.add(text);
  }
  return { missing: [...missing], warnings: [...doubtful], infos: [...notes], cut: [...cut] };
}

/** The addresses out of `known` that the texts about missing data name. */
export function namedAddresses(missing: readonly string[], known: readonly string[]): string[] {
  // The character after must not go on with the address: 10.0.0.5:1090 is not 10.0.0.5:10901.
  return known.filter((address) =>
    missing.some((text) => {
      for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + 1)) {
        const around = `${text[at - 1] ?? " "}${text[at + address.length] ?? " "}`;
        if (!/[\w.-]/.test(around.replace(/\.$/, " "))) return true;
      }
      return false;
    }),
  );
}

/** The place that PromQL's messages end or begin with: "… (1:6)" or "1:6: …"; line and column from 1. */
export function messagePosition(text: string): { line: number; column: number } | null {
  const m = /(?:^|[\s(])(\d+):(\d+)(?::|\)|$)/.exec(text);
  if (m === null) return null;
  return { line: Number(m[1]), column: Number(m[2]) };
}

/** Takes off what the API puts before PromQL's own words. */
export function plainError(text: string): string {
  return text.replace(/^invalid parameter "query": /, "").replace(/^expanding series: /, "");
}
