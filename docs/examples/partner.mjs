// A partner's side of the contract in JavaScript (Node 18 or later, nothing to install).
//
//   node partner.mjs send URL PARTNER KEY EVENT_ID < event.json
//   node partner.mjs deliver URL PARTNER KEY EVENT_ID [PAUSES] < event.json
//   node partner.mjs batch-headers KEY BATCH_ID TIMESTAMP < events.ndjson
//   node partner.mjs headers KEY EVENT_ID TIMESTAMP < event.json
//   node partner.mjs ticket SECRET PARTNER USER_REF NONCE EXPIRES_AT
//   node partner.mjs link URL PARTNER KEY CODE USER_REF
//   node partner.mjs unlink URL PARTNER KEY USER_REF

import { createHash, createHmac, createPrivateKey, randomUUID, sign as signEd25519 } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The three headers of one attempt. `body` (Buffer) is exactly what is sent; `timestamp` is whole Unix seconds. */
export function sign(keys, messageId, timestamp, body) {
  const signed = Buffer.concat([Buffer.from(`${messageId}.${timestamp}.`), body]);
  const signatures = keys.split(",").map((key) => signature(key, signed)).join(" ");
  return { "webhook-id": messageId, "webhook-timestamp": String(timestamp), "webhook-signature": signatures };
}

function signature(key, signed) {
  if (key.startsWith("whsec_")) {
    const secret = Buffer.from(key.slice("whsec_".length), "base64");
    return "v1," + createHmac("sha256", secret).update(signed).digest("base64");
  }
  const seed = Buffer.from(key.slice("whsk_".length), "base64");
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return "v1a," + signEd25519(null, signed, privateKey).toString("base64");
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

/** Send one event, once. Sign again, with a new timestamp, at every attempt. The status is 0 where no answer came. */
export function send(url, partner, keys, eventId, body) {
  return post(`${url}/webhooks/${partner}`, sign(keys, eventId, Math.floor(Date.now() / 1000), body), body);
}

async function post(address, headers, body) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    const retryAfterS = Number(answer.headers.get("retry-after")) || 0;
    return { status: answer.status, text: (await answer.text()).trim(), retryAfterS };
  } catch (error) {
    return { status: 0, text: `no answer: ${error}`, retryAfterS: 0 };
  }
}

/** Seconds between two attempts. */
const PAUSES_S = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** Send one event until it is taken in, or refused in a way that sending it again will not mend. */
export async function deliver(url, partner, keys, eventId, body, pausesS = PAUSES_S) {
  for (const pauseS of pausesS) {
    const answer = await send(url, partner, keys, eventId, body);
    const again = [0, 408, 429].includes(answer.status) || answer.status >= 500 || answer.text.includes('"CONFLICT"');
    if (!again) return answer;
    const waitS = Math.max(answer.retryAfterS, pauseS * (1 + Math.random() / 5));
    await new Promise((resolve) => setTimeout(resolve, waitS * 1000));
  }
  return send(url, partner, keys, eventId, body);
}

function said({ status, text }) {
  if (status < 200 || status >= 300) process.exitCode = 1;
  return `${status} ${text}`;
}

/** A signed request about links. An attempt to send it again has the same id and a new timestamp. */
function ask(url, partner, keys, path, asked) {
  const body = Buffer.from(JSON.stringify(asked));
  const signed = Buffer.concat([Buffer.from(`POST ${path}\n`), body]);
  const headers = sign(keys, `ask_${randomUUID()}`, Math.floor(Date.now() / 1000), signed);
  return post(url + path, { "webhook-partner": partner, ...headers }, body);
}

/** Say that this user of yours typed in this link code. */
export function link(url, partner, keys, code, userRef) {
  return ask(url, partner, keys, "/partners/v1/links", { code, user_ref: userRef });
}

/** End the link of this user. */
export function unlink(url, partner, keys, userRef) {
  return ask(url, partner, keys, "/partners/v1/links:end", { user_ref: userRef });
}

async function main([command, ...rest]) {
  const body = () => readFileSync(0);
  if (command === "send" && rest.length === 4) return said(await send(...rest, body()));
  if (command === "deliver" && rest.length === 4) return said(await deliver(...rest, body()));
  if (command === "deliver" && rest.length === 5) {
    return said(await deliver(...rest.slice(0, 4), body(), rest[4].split(",").map(Number)));
  }
  if (command === "headers" && rest.length === 3) return JSON.stringify(sign(rest[0], rest[1], Number(rest[2]), body()));
  if (command === "batch-headers" && rest.length === 3) {
    return JSON.stringify(sign(rest[0], rest[1], Number(rest[2]), batchText(body())));
  }
  if (command === "link" && rest.length === 5) return said(await link(...rest));
  if (command === "unlink" && rest.length === 4) return said(await unlink(...rest));
  if (command === "ticket" && rest.length === 5) return linkTicket(...rest.slice(0, 4), Number(rest[4]));
  return "usage: see the top of this file";
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await main(process.argv.slice(2)));
