// Tables as text: with borders, or separated by tabs or commas.

/** Header and rows of equal length. */
export interface TextTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Characters that a cell takes on the screen, a code point each. */
function width(text: string): number {
  return [...text].length;
}

/** Bordered columns; header centred, cells to the left. */
export function borderedTable({ header, rows }: TextTable): string {
  const widths = header.map((title, i) =>
    rows.reduce((most, row) => Math.max(most, width(row[i]!)), width(title)),
  );
  const line = (cells: readonly string[]): string => `|${cells.join("|")}|\n`;
  const centred = header.map((title, i) => {
    const room = widths[i]! - width(title);
    const left = Math.floor(room / 2);
    return ` ${" ".repeat(left)}${title}${" ".repeat(room - left)} `;
  });
  const out = [line(centred), line(widths.map((count) => "-".repeat(count + 2)))];
  for (const row of rows)
    out.push(line(row.map((cell, i) => ` ${cell}${" ".repeat(widths[i]! - width(cell))} `)));
  return out.join("");
}

/** One line a row; cells are quoted where they must be. */
export function separatedTable({ header, rows }: TextTable, separator: "\t" | ","): string {
  const cell = (text: string): string => {
    const quote = text.includes(separator) || /["\r\n]/.test(text) || /^\s/.test(text);
    return quote ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [header, ...rows].map((row) => `${row.map(cell).join(separator)}\n`).join("");
}
