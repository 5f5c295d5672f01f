// A partner's side of the contract in JavaScript (Node 18 or later, nothing to install).
//
//   node partner.mjs send URL PARTNER KEY EVENT_ID < event.json
//   node partner.mjs batch-headers KEY BATCH_ID TIMESTAMP < events.ndjson
//   node partner.mjs headers KEY EVENT_ID TIMESTAMP < event.json
//   node partner.mjs ticket SECRET PARTNER USER_REF NONCE EXPIRES_AT

import { createHash, createHmac, createPrivateKey, sign as signEd25519 } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The three headers of one attempt. `body` (Buffer) is exactly what is sent; `timestamp` is whole Unix seconds. */
export function sign(key, messageId, timestamp, body) {
  const signed = Buffer.concat([Buffer.from(`${messageId}.${timestamp}.`), body]);
  let signature;
  if (key.startsWith("whsec_")) {
    const secret = Buffer.from(key.slice("whsec_".length), "base64");
    signature = "v1," + createHmac("sha256", secret).update(signed).digest("base64");
  } else {
    const seed = Buffer.from(key.slice("whsk_".length), "base64");
    const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
    const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
    signature = "v1a," + signEd25519(null, signed, privateKey).toString("base64");
  }
  return { "webhook-id": messageId, "webhook-timestamp": String(timestamp), "webhook-signature": signature };
}

/** What is signed of a batch, in place of a body: the request, and the digest of every line on a line of its own. */
export function batchText(body) {
  const lines = body.toString("latin1").replace(/\n$/, "").split("\n");
  const digests = lines.map((line) => createHash("sha256").update(line, "latin1").digest("hex") + "\n");
  return Buffer.from("POST /partners/v1/events:batch\n" + digests.join(""));
}

/** A link ticket: payload "." mac. `expiresAt` is whole Unix seconds, at most ten minutes ahead. */
export function linkTicket(secret, partner, userRef, nonce, expiresAt) {
  const fields = { partner, user_ref: userRef, nonce, expires_at: expiresAt };
  const payload = Buffer.from(JSON.stringify(fields)).toString("base64url");
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return payload + "." + createHmac("sha256", key).update("link-ticket:v1:" + payload).digest("base64url");
}

/** Send one event. Sign again, with a new timestamp, at every attempt. */
export async function send(url, partner, key, eventId, body) {
  const headers = sign(key, eventId, Math.floor(Date.now() / 1000), body);
  const answer = await fetch(`${url}/webhooks/${partner}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
    signal: AbortSignal.timeout(30_000),
  });
  return `${answer.status} ${(await answer.text()).trim()}`;
}

async function main([command, ...rest]) {
  const body = () => readFileSync(0);
  if (command === "send" && rest.length === 4) return send(...rest, body());
  if (command === "headers" && rest.length === 3) return JSON.stringify(sign(rest[0], rest[1], Number(rest[2]), body()));
  if (command === "batch-headers" && rest.length === 3) {
    return JSON.stringify(sign(rest[0], rest[1], Number(rest[2]), batchText(body())));
  }
  if (command === "ticket" && rest.length === 5) return linkTicket(...rest.slice(0, 4), Number(rest[4]));
  return "usage: see the top of this file";
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await main(process.argv.slice(2)));
