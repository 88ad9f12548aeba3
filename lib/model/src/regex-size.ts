// How large an expression becomes once its repetitions are written out, which is what compiling it costs.

/** Reads `{n}`, `{n,}` or `{n,m}` at `at`: how often the part before it is written out, and where it ends; else null. */
function repetition(pattern: string, at: number): { times: number; end: number } | null {
  const close = pattern.indexOf("}", at);
  // Go's largest count is 1000; what is longer than two such numbers is text.
  if (close < 0 || close - at > 10) return null;
  const found = /^\{(\d{1,4})(,(\d{0,4}))?\}$/.exec(pattern.slice(at, close + 1));
  if (found === null) return null;
  const least = Number(found[1]);
  const most = found[3] === undefined || found[3] === "" ? least : Number(found[3]);
  return { times: Math.max(1, least, most), end: close };
}

/** Index of the bracket that closes the class opened at `at`; the pattern's end where none does. */
function classEnd(pattern: string, at: number): number {
  let i = at + 1;
  if (pattern[i] === "^") i++;
  if (pattern[i] === "]") i++;
  for (; i < pattern.length; i++) {
    if (pattern[i] === "\\") i++;
    else if (pattern[i] === "[" && pattern[i + 1] === ":") {
      const close = pattern.indexOf(":]", i + 2);
      if (close > 0) i = close + 1;
    } else if (pattern[i] === "]") return i;
  }
  return pattern.length;
}

/** About how many instructions an expression has. Malformed ones get some number, too. */
export function expandedSize(pattern: string): number {
  const open: number[] = [];
  let size = 0;
  let last = 0;
  for (let i = 0; i < pattern.length; i++) {
    const letter = pattern[i]!;
    let atom = 1;
    if (letter === "(") {
      open.push(size);
      size = 0;
      last = 0;
      continue;
    }
    if (letter === ")") {
      atom = size + 1;
      size = open.pop() ?? 0;
    } else if (letter === "{") {
      const found = repetition(pattern, i);
      if (found !== null) {
        size += last * (found.times - 1);
        last *= found.times;
        i = found.end;
        continue;
      }
    } else if (letter === "\\") i++;
    else if (letter === "[") i = classEnd(pattern, i);
    else if (letter === "*" || letter === "+" || letter === "?") {
      size++;
      last++;
      continue;
    }
    size += atom;
    last = atom;
  }
  for (const outer of open) size += outer;
  return size;
}
