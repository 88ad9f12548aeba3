import assert from "node:assert/strict";
import { test } from "node:test";
import { Matcher } from "@deucalion/model";
import { answerKey, LabelAnswers } from "./label-answers.ts";

const request = { minTime: 0, maxTime: 100, matchers: [] };
const whole = { id: "a", whole: true };
const part = { id: "b", whole: false };

test("an answer comes again as the same frozen list, until the blocks change", () => {
  const answers = new LabelAnswers(1 << 20);
  const list = ["a", "b"];
  answers.put("k", list);
  assert.equal(answers.get("k"), list);
  assert.ok(Object.isFrozen(list));
  answers.clear();
  assert.equal(answers.get("k"), undefined);
});

test("the answer asked for longest ago goes first; a large one is not kept", () => {
  const answers = new LabelAnswers(1000);
  for (const key of ["a", "b", "c", "d"]) answers.put(key, ["x".repeat(200)]);
  assert.notEqual(answers.get("a"), undefined);
  answers.put("e", ["x".repeat(200)]);
  assert.equal(answers.get("b"), undefined);
  assert.notEqual(answers.get("a"), undefined);
  answers.put("large", ["x".repeat(300)]);
  assert.equal(answers.get("large"), undefined);
});

test("keys differ by everything an answer depends on", () => {
  const matchers = [new Matcher("=", "job", "x")];
  const keys = [
    answerKey(null, request, [whole]),
    answerKey("job", request, [whole]),
    answerKey("job", { ...request, limit: 3 }, [whole]),
    answerKey("job", { ...request, withoutReplicaLabels: ["job"] }, [whole]),
    answerKey("job", { ...request, matchers }, [whole]),
    answerKey("job", { ...request, matchers: [new Matcher("=~", "job", "x")] }, [whole]),
    answerKey("job", request, [whole, part]),
    answerKey("job", { ...request, matchers }, [whole, part]),
    answerKey("job", { ...request, matchers, maxTime: 99 }, [whole, part]),
  ];
  assert.equal(new Set(keys).size, keys.length);
});

test("times make no difference where all of a block answers", () => {
  const later = { ...request, maxTime: 1000 };
  const matchers = [new Matcher("=", "job", "x")];
  assert.equal(answerKey("job", request, [part]), answerKey("job", later, [part]));
  const [a, b] = [request, later].map((each) => answerKey("job", { ...each, matchers }, [whole]));
  assert.equal(a, b);
});
