// Upper, lower and title case as Go has them: letter by letter.

function mapped(char: string, to: string): string {
  return [...to].length === 1 ? to : char;
}

export function toUpper(text: string): string {
  let out = "";
  for (const char of text) out += mapped(char, char.toUpperCase());
  return out;
}

export function toLower(text: string): string {
  let out = "";
  for (const char of text) out += char === "\u0130" ? "i" : mapped(char, char.toLowerCase());
  return out;
}

/** The first letter of each word in upper case, the others as they are. */
export function toTitle(text: string): string {
  const words = new Intl.Segmenter("en-US", { granularity: "word" });
  let out = "";
  for (const { segment } of words.segment(text)) out += segment.replace(/\p{L}/u, titleLetter);
  return out;
}

function titleLetter(letter: string): string {
  const [first, ...rest] = letter.toUpperCase();
  return first! + rest.join("").toLowerCase();
}
