import assert from "node:assert/strict";
import { test } from "node:test";
import { cipherList, curveList, tlsVersion } from "./tls-names.ts";

test("cipherList() translates Go's names", () => {
  assert.equal(
    cipherList([
      "TLS_AES_128_GCM_SHA256",
      "TLS_CHACHA20_POLY1305_SHA256",
      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
      "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
      "TLS_RSA_WITH_AES_128_CBC_SHA",
      "TLS_RSA_WITH_AES_256_GCM_SHA384",
    ]),
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-SHA256:AES128-SHA:AES256-GCM-SHA384",
  );
  assert.throws(() => cipherList(["TLS_RSA_WITH_NOTHING"]), {
    code: "APP_CONFIG",
    message: "unknown or insecure cipher suite TLS_RSA_WITH_NOTHING",
  });
});

test("curveList() and tlsVersion() know Go's names", () => {
  assert.equal(
    curveList(["X25519", "CurveP256", "CurveP384", "CurveP521"]),
    "X25519:P-256:P-384:P-521",
  );
  assert.throws(() => curveList(["CurveP1"]), { code: "APP_CONFIG" });
  assert.deepEqual(["1.0", "1.3", "TLS12"].map(tlsVersion), ["TLSv1", "TLSv1.3", "TLSv1.2"]);
  assert.throws(() => tlsVersion("SSL30"), { code: "APP_CONFIG" });
});
