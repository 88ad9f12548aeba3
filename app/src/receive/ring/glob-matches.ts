// Patterns of tenants, as Go's filepath.Match reads them.

/** True if the whole text matches. A malformed pattern matches nothing. */
export function globMatches(pattern: string, text: string): boolean {
  const p = [...pattern];
  const t = [...text];
  const from = (i: number, j: number): boolean => {
    let at = i;
    let to = j;
    while (at < p.length) {
      const letter = p[at]!;
      if (letter === "*") {
        while (p[at] === "*") at++;
        for (let rest = to; rest <= t.length; rest++) {
          if (from(at, rest)) return true;
          if (t[rest] === "/") return false;
        }
        return false;
      }
      if (to >= t.length) return false;
      if (letter === "?") {
        if (t[to] === "/") return false;
        at++;
      } else if (letter === "[") {
        const end = matchClass(p, at + 1, t[to]!);
        if (end < 0) return false;
        at = end;
      } else {
        if (letter === "\\") at++;
        if (at >= p.length || p[at] !== t[to]) return false;
        at++;
      }
      to++;
    }
    return to === t.length;
  };
  return from(0, 0);
}

/** Where the pattern goes on behind a class that holds `letter`, −1 if it does not. */
function matchClass(p: readonly string[], start: number, letter: string): number {
  let at = start;
  const negated = p[at] === "^";
  if (negated) at++;
  let found = false;
  let ranges = 0;
  while (at < p.length && !(p[at] === "]" && ranges > 0)) {
    if (p[at] === "\\") at++;
    const low = p[at++];
    let high = low;
    if (p[at] === "-") {
      at++;
      if (p[at] === "\\") at++;
      high = p[at++];
    }
    if (low === undefined || high === undefined) return -1;
    ranges++;
    const code = letter.codePointAt(0)!;
    if (low.codePointAt(0)! <= code && code <= high.codePointAt(0)!) found = true;
  }
  if (p[at] !== "]" || found === negated || letter === "/") return -1;
  return at + 1;
}
