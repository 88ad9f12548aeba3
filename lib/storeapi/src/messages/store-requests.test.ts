// Requests of series survive the wire.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Matcher, type SeriesRequest } from "@deucalion/model";
import { SeriesRequestMessage } from "./store-messages.ts";
import { seriesRequestFromWire, seriesRequestToWire } from "./store-requests.ts";

test("alternatives of matchers survive the wire, an empty one too", () => {
  const anyOf = [[new Matcher("=", "a", "1"), new Matcher("!~", "b", "x.*")], []];
  const matchers = [new Matcher("=", "__name__", "up")];
  const request: SeriesRequest = { minTime: 1, maxTime: 2, matchers, anyOf };
  const bytes = SeriesRequestMessage.encode(seriesRequestToWire(request, 64));
  const got = seriesRequestFromWire(SeriesRequestMessage.decode(bytes));
  assert.deepEqual(
    got.anyOf?.map((list) => list.map(String)),
    anyOf.map((list) => list.map(String)),
  );
  assert.deepEqual(got.matchers.map(String), matchers.map(String));
  const plain = seriesRequestToWire({ minTime: 1, maxTime: 2, matchers }, 64);
  const back = seriesRequestFromWire(
    SeriesRequestMessage.decode(SeriesRequestMessage.encode(plain)),
  );
  assert.equal(back.anyOf, undefined);
});
