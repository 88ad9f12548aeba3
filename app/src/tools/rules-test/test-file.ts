// Files with unit tests of rules, in promtool's format.
import { compareStrings, Labels } from "@deucalion/model";
import {
  DecodeFailure,
  DurationSyntax,
  parseDuration,
  parseYaml,
  typeErrors,
  YamlDecoder,
} from "@deucalion/rules";
import { AppError } from "../../errors.ts";

export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/** Labels and annotations in order of the names, empty values kept. */
export interface ExpectedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface AlertTest {
  readonly evalTimeMs: number;
  readonly alertname: string;
  readonly expected: readonly ExpectedAlert[];
}

export interface ExpectedSample {
  readonly labels: string;
  readonly value: number;
  /** Not empty: `value` is not looked at. */
  readonly histogram: string;
}

export interface ExprTest {
  readonly expr: string;
  readonly evalTimeMs: number;
  readonly expected: readonly ExpectedSample[];
}

export interface TestGroup {
  readonly name: string;
  /** Between input samples; 0: the file's evaluation interval. */
  readonly intervalMs: number;
  readonly inputSeries: readonly InputSeries[];
  readonly alertTests: readonly AlertTest[];
  readonly exprTests: readonly ExprTest[];
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly startMs: number;
}

export interface TestFile {
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupEvalOrder: readonly string[];
  readonly tests: readonly TestGroup[];
  readonly fuzzyCompare: boolean;
}

type YamlNode = Parameters<YamlDecoder["text"]>[0];

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Reads a file's text. Throws APP_CONFIG with all that is wrong about its form. */
export function parseTestFile(text: string, ignoreUnknownFields: boolean): TestFile {
  const yaml = parseYaml(text);
  if (yaml.problem !== null) throw new AppError("APP_CONFIG", yaml.problem);
  const reader = new TestFileReader(new YamlDecoder(yaml, !ignoreUnknownFields));
  try {
    const file = reader.file(yaml.root);
    const problem = typeErrors(reader.yaml.errors);
    if (problem !== null) throw new AppError("APP_CONFIG", problem);
    return file;
  } catch (thrown) {
    if (thrown instanceof DecodeFailure) throw new AppError("APP_CONFIG", thrown.message);
    throw thrown;
  }
}

function sortedLabels(map: ReadonlyMap<string, string>): Labels {
  return new Labels([...map].sort(([a], [b]) => compareStrings(a, b)).flat());
}

class TestFileReader {
  readonly yaml: YamlDecoder;

  constructor(yaml: YamlDecoder) {
    this.yaml = yaml;
  }

  file(root: YamlNode): TestFile {
    const { yaml } = this;
    const file: Mutable<TestFile> = {
      ruleFiles: [],
      evaluationIntervalMs: 0,
      groupEvalOrder: [],
      tests: [],
      fuzzyCompare: false,
    };
    yaml.struct(root, "main.unitTestFile", {
      rule_files: (node) => {
        file.ruleFiles = this.#texts(node);
      },
      evaluation_interval: (node) => {
        file.evaluationIntervalMs = this.#duration(node);
      },
      group_eval_order: (node) => {
        file.groupEvalOrder = this.#texts(node);
      },
      tests: (node) => {
        file.tests = yaml.list(node, "[]main.testGroup", (one) => this.#group(one));
      },
      fuzzy_compare: (node) => {
        file.fuzzyCompare = yaml.boolean(node);
      },
    });
    return file;
  }

  #texts(node: YamlNode): string[] {
    return this.yaml.list(node, "[]string", (one) => this.yaml.text(one));
  }

  #duration(node: YamlNode): number {
    if (this.yaml.isNull(this.yaml.resolve(node))) return 0;
    try {
      return parseDuration(this.yaml.text(node));
    } catch (thrown) {
      if (thrown instanceof DurationSyntax) throw new DecodeFailure(thrown.message);
      throw thrown;
    }
  }

  #time(node: YamlNode): number {
    const text = this.yaml.text(node);
    const seconds = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(seconds)) return Math.floor(seconds * 1000);
    const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)
      ? Date.parse(text)
      : Number.NaN;
    if (Number.isNaN(ms))
      throw new DecodeFailure(`cannot parse ${JSON.stringify(text)} to a valid timestamp`);
    return ms;
  }

  #group(root: YamlNode): TestGroup {
    const { yaml } = this;
    const group: Mutable<TestGroup> = {
      name: "",
      intervalMs: 0,
      inputSeries: [],
      alertTests: [],
      exprTests: [],
      externalLabels: Labels.empty,
      externalUrl: "",
      startMs: 0,
    };
    yaml.struct(root, "main.testGroup", {
      name: (node) => {
        group.name = yaml.text(node);
      },
      interval: (node) => {
        group.intervalMs = this.#duration(node);
      },
      input_series: (node) => {
        group.inputSeries = yaml.list(node, "[]main.series", (one) => this.#series(one));
      },
      alert_rule_test: (node) => {
        group.alertTests = yaml.list(node, "[]main.alertTestCase", (one) => this.#alertTest(one));
      },
      promql_expr_test: (node) => {
        group.exprTests = yaml.list(node, "[]main.promqlTestCase", (one) => this.#exprTest(one));
      },
      external_labels: (node) => {
        group.externalLabels = sortedLabels(yaml.texts(node));
      },
      external_url: (node) => {
        group.externalUrl = yaml.text(node);
      },
      start_timestamp: (node) => {
        group.startMs = this.#time(node);
      },
    });
    return group;
  }

  #series(root: YamlNode): InputSeries {
    const out: Mutable<InputSeries> = { series: "", values: "" };
    this.yaml.struct(root, "main.series", {
      series: (node) => {
        out.series = this.yaml.text(node);
      },
      values: (node) => {
        out.values = this.yaml.text(node);
      },
    });
    return out;
  }

  #alertTest(root: YamlNode): AlertTest {
    const { yaml } = this;
    const out: Mutable<AlertTest> = { evalTimeMs: 0, alertname: "", expected: [] };
    yaml.struct(root, "main.alertTestCase", {
      eval_time: (node) => {
        out.evalTimeMs = this.#duration(node);
      },
      alertname: (node) => {
        out.alertname = yaml.text(node);
      },
      exp_alerts: (node) => {
        out.expected = yaml.list(node, "[]main.alert", (one) => this.#alert(one));
      },
    });
    return out;
  }

  #alert(root: YamlNode): ExpectedAlert {
    const out: Mutable<ExpectedAlert> = { labels: Labels.empty, annotations: Labels.empty };
    this.yaml.struct(root, "main.alert", {
      exp_labels: (node) => {
        out.labels = sortedLabels(this.yaml.texts(node));
      },
      exp_annotations: (node) => {
        out.annotations = sortedLabels(this.yaml.texts(node));
      },
    });
    return out;
  }

  #exprTest(root: YamlNode): ExprTest {
    const { yaml } = this;
    const out: Mutable<ExprTest> = { expr: "", evalTimeMs: 0, expected: [] };
    yaml.struct(root, "main.promqlTestCase", {
      expr: (node) => {
        out.expr = yaml.text(node);
      },
      eval_time: (node) => {
        out.evalTimeMs = this.#duration(node);
      },
      exp_samples: (node) => {
        out.expected = yaml.list(node, "[]main.sample", (one) => this.#sample(one));
      },
    });
    return out;
  }

  #sample(root: YamlNode): ExpectedSample {
    const out: Mutable<ExpectedSample> = { labels: "", value: 0, histogram: "" };
    this.yaml.struct(root, "main.sample", {
      labels: (node) => {
        out.labels = this.yaml.text(node);
      },
      value: (node) => {
        out.value = this.yaml.float(node);
      },
      histogram: (node) => {
        out.histogram = this.yaml.text(node);
      },
    });
    return out;
  }
}
