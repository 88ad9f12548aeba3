// Results of tests as JUnit XML.

export interface TestCase {
  readonly name: string;
  readonly failures: readonly string[];
}

export interface TestSuite {
  readonly name: string;
  /** Local time at which the suite began; "" if it never did. */
  readonly timestamp: string;
  readonly cases: readonly TestCase[];
  /** Why the suite could not be run; null if it could. */
  readonly aborted: string | null;
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
  "\n": "&#xA;",
  "\t": "&#x9;",
  "\r": "&#xD;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"'\n\t\r]/g, (char) => escapes[char]!);
}

function caseText({ name, failures }: TestCase, error: string | null): string {
  const failed = failures.map((failure) => `<failure>${escaped(failure)}</failure>`).join("");
  const broken = error === null ? "" : `<error>${escaped(error)}</error>`;
  return `<testcase name="${escaped(name)}">${failed}${broken}</testcase>`;
}

function suiteText({ name, timestamp, cases, aborted }: TestSuite): string {
  const all = aborted !== null && cases.length === 0 ? [{ name: "unknown", failures: [] }] : cases;
  const failures = cases.reduce((sum, one) => sum + one.failures.length, 0);
  const counts = `tests="${all.length}" failures="${failures}" errors="${aborted === null ? 0 : 1}" skipped="0"`;
  const body = all
    .map((one, index) => caseText(one, index === all.length - 1 ? aborted : null))
    .join("");
  return `<testsuite name="${escaped(name)}" ${counts} timestamp="${escaped(timestamp)}">${body}</testsuite>`;
}

export function junitText(suites: readonly TestSuite[]): string {
  return `<testsuites>${suites.map(suiteText).join("")}</testsuites>`;
}
