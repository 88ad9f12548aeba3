// Against the vectors of Amazon's test suite for signatures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { signV4 } from "./sign-v4.ts";

const identity = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const scope = { region: "us-east-1", service: "service" };
const now = Date.UTC(2015, 7, 30, 12, 36);

function signature(method: string, target: string, headers = {}, body = ""): string {
  const url = new URL(target, "https://example.amazonaws.com");
  const signed = signV4({ method, url, headers, body }, scope, identity, now);
  assert.equal(signed["x-amz-date"], "20150830T123600Z");
  return /Signature=(\w+)$/.exec(signed.authorization!)![1]!;
}

test("signV4() makes the signatures of Amazon's test suite", () => {
  assert.deepEqual(
    [
      signature("GET", "/"),
      signature("POST", "/"),
      signature("GET", "/?Param2=value2&Param1=value1"),
      signature(
        "POST",
        "/",
        { "content-type": "application/x-www-form-urlencoded" },
        "Param1=value1",
      ),
    ],
    [
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ],
  );
});
