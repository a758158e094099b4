// @microsoft/microsoft-graph-client lists, filters, pages, follows deltas, batches and patches.
// Node's own fetch reads no proxy, so that it is configured with the base URL.

import "isomorphic-fetch";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import graph from "@microsoft/microsoft-graph-client";
import { Request } from "node-fetch";

const { BatchRequestContent, BatchResponseContent, Client, PageIterator } = graph;
const ready = JSON.parse(readFileSync(process.argv[2], "utf8"));
const mailboxes = Number(process.argv[3]);

const form = new URLSearchParams({
  grant_type: "client_credentials",
  client_id: ready.client_id,
  client_secret: ready.client_secret,
  scope: "https://graph.microsoft.com/.default",
});
const issued = await fetch(`${ready.login}/${ready.tenant_id}/oauth2/v2.0/token`, {
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: form.toString(),
});
const { access_token: token } = await issued.json();

const client = Client.initWithMiddleware({
  authProvider: { getAccessToken: async () => token },
  baseUrl: `${ready.graph}/`,
  customHosts: new Set(["localhost"]),
});

let seen = 0;
const first = await client.api("/users").top(999).select("id").get();
await new PageIterator(client, first, () => ++seen > 0).iterate();
assert.ok(seen >= mailboxes, `${seen} users`);

const [example] = ready.users;
const found = await client.api("/users").filter(`userPrincipalName eq '${example.upn}'`).get();
assert.deepEqual(found.value.map((user) => user.id), [example.id]);

const rounds = new PageIterator(client, await client.api("/users/delta").select("usageLocation").get(), () => true);
await rounds.iterate();
await client.api(`/users/${example.id}`).patch({ usageLocation: "IT" });
const changed = await client.api(rounds.getDeltaLink()).get();
assert.deepEqual(changed.value, [{ usageLocation: "IT", id: example.id }]);

const batch = new BatchRequestContent(
  ready.users.map((user, place) => ({ id: `${place}`, request: new Request(`/users/${user.id}`, { method: "GET" }) })),
);
const answers = new BatchResponseContent(await client.api("/$batch").post(await batch.getContent()));
for (const [place, user] of ready.users.entries()) {
  assert.equal((await answers.getResponseById(`${place}`).json()).id, user.id);
}

const asked = client.api("/users").search(`"userPrincipalName:${example.upn}"`).select("id");
await assert.rejects(asked.get(), (refused) => refused.statusCode === 400, "a search without its header");
const searched = await asked.header("ConsistencyLevel", "eventual").get();
assert.ok(searched.value.some((user) => user.id === example.id));

const wave = { displayName: "Wave", mailNickname: "wave", mailEnabled: false, securityEnabled: true, groupTypes: [] };
const group = await client.api("/groups").post(wave);
const reference = { "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${example.id}` };
await client.api(`/groups/${group.id}/members/$ref`).post(reference);
const members = await client.api(`/groups/${group.id}/members`).get();
assert.deepEqual(members.value.map((member) => member.id), [example.id]);
await client.api(`/groups/${group.id}`).delete();
await assert.rejects(client.api(`/groups/${group.id}`).get(), (refused) => refused.statusCode === 404);
assert.ok(Array.isArray((await client.api("/contacts").get()).value));

await assert.rejects(client.api("/users/nobody@nowhere.example").get(), (refused) => {
  assert.equal(refused.statusCode, 404);
  assert.equal(refused.code, "Request_ResourceNotFound");
  return true;
});
await assert.rejects(
  Client.initWithMiddleware({ authProvider: { getAccessToken: async () => token }, baseUrl: `${ready.graph}/` })
    .api("/users")
    .get(),
  (refused) => refused.statusCode === 401,
  "without customHosts the client sends no token, and nothing answers without one",
);
console.log("microsoft-graph-client: list, page, filter, search, delta, patch, batch, groups, refusals");
