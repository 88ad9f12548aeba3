// Signature version 2 against the examples of its documentation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { authorizationV2, stringToSignV2 } from "./sign-v2.ts";

const id = "AKIAIOSFODNN7EXAMPLE";
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

test("stringToSignV2() signs a read of an object in a bucket of its own host", () => {
  const text = stringToSignV2(
    {
      method: "GET",
      path: "/photos/puppy.jpg",
      query: {},
      headers: { date: "Tue, 27 Mar 2007 19:36:42 +0000" },
    },
    "awsexamplebucket1",
  );
  assert.equal(
    text,
    "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg",
  );
  assert.equal(
    authorizationV2(id, secret, text),
    "AWS AKIAIOSFODNN7EXAMPLE:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
  );
});

test("stringToSignV2() signs x-amz headers and parameters of the resource", () => {
  const text = stringToSignV2(
    {
      method: "DELETE",
      path: "/b/o",
      query: { uploadId: "7", prefix: "x" },
      headers: { "x-amz-date": "Tue, 27 Mar 2007 21:20:26 +0000", "x-amz-acl": " private " },
    },
    "",
  );
  const amazon = "x-amz-acl:private\nx-amz-date:Tue, 27 Mar 2007 21:20:26 +0000\n";
  assert.equal(text, `DELETE\n\n\n\n${amazon}/b/o?uploadId=7`);
});
