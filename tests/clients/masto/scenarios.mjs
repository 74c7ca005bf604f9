// What web clients do, through the library that many of them are built on. Each scenario is run in a process of its own:
// node scenarios.mjs NAME, with {"url", "streaming", "tokens": {"alice", "ben", "cleo"}, "image"} as JSON on standard input.
// Prints {"passed": NAME}; an assertion that fails ends it with an error.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { createOAuthAPIClient, createRestAPIClient, createStreamingAPIClient, MastoHttpError } from "masto";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const given = JSON.parse(Buffer.concat(chunks).toString("utf8"));

const as = (name) => createRestAPIClient({ url: given.url, accessToken: given.tokens[name] });
const [alice, ben, cleo] = ["alice", "ben", "cleo"].map(as);
const idOf = async (client) => (await client.v1.accounts.verifyCredentials()).id;
const ids = (statuses) => statuses.map((status) => status.id);
const say = (client, status, more = {}) => client.v1.statuses.create({ status, ...more });
const refused = async (promise, statusCode) =>
  await assert.rejects(promise, (error) => error instanceof MastoHttpError && error.statusCode === statusCode);

const scenarios = {
  // The code was got by a person at a browser.
  async token() {
    const oauth = createOAuthAPIClient({ url: given.url });
    const wanted = { grantType: "authorization_code", ...given.exchange };
    await refused(oauth.token.create({ ...wanted, codeVerifier: "y".repeat(64) }), 400);
    const again = { ...wanted, code: given.secondCode };
    const token = await oauth.token.create(again);
    assert.equal(token.tokenType, "Bearer");
    const client = createRestAPIClient({ url: given.url, accessToken: token.accessToken });
    assert.equal((await client.v1.accounts.verifyCredentials()).username, "alice");
    const { clientId, clientSecret } = given.exchange;
    await oauth.revoke({ clientId, clientSecret, token: token.accessToken });
    await refused(client.v1.accounts.verifyCredentials(), 401);
  },

  async media() {
    const file = new Blob([Buffer.from(given.image, "base64")], { type: "image/png" });
    const media = await alice.v2.media.create({ file, description: "a square", focus: "0.1,0.2" });
    assert.equal(media.type, "image");
    const changed = await alice.v1.media.$select(media.id).update({ description: "a red square" });
    assert.equal(changed.description, "a red square");
    const status = await say(alice, "look", { mediaIds: [media.id], sensitive: true, spoilerText: "colours" });
    assert.equal(status.mediaAttachments[0].description, "a red square");
    assert.ok(status.mediaAttachments[0].blurhash);
    assert.equal((await fetch(status.mediaAttachments[0].url)).status, 200);
    const once = { "Idempotency-Key": randomUUID() };
    const write = () => alice.v1.statuses.create({ status: "only once" }, { requestInit: { headers: once } });
    assert.equal((await write()).id, (await write()).id);
  },

  async timelines() {
    await ben.v1.accounts.$select(await idOf(alice)).follow();
    const posts = [];
    for (let number = 0; number < 7; number += 1) posts.push((await say(alice, `number ${number}`)).id);
    const newest = [...posts].reverse();
    const pages = [];
    for await (const page of ben.v1.timelines.home.list({ limit: 3 })) {
      pages.push(ids(page));
      if (pages.length === 2) break;
    }
    assert.deepEqual(pages, [newest.slice(0, 3), newest.slice(3, 6)]);
    assert.deepEqual(ids(await ben.v1.timelines.home.list({ minId: posts[1], limit: 2 })), [posts[3], posts[2]]);
    assert.deepEqual(ids(await ben.v1.timelines.home.list({ sinceId: posts[5] })), [posts[6]]);
    assert.ok(ids(await ben.v1.timelines.public.list({ local: true })).includes(posts[6]));
    assert.ok(ids(await ben.v1.accounts.$select(await idOf(alice)).statuses.list()).includes(posts[6]));
    const upwards = [];
    for await (const page of ben.v1.timelines.home.list({ minId: posts[0], limit: 3 }).setDirection("prev")) {
      if (page.length === 0) break;
      upwards.push(ids(page));
    }
    assert.deepEqual(upwards, [newest.slice(3, 6), newest.slice(0, 3)]);
  },

  async conversation() {
    const root = await say(alice, "shall we?");
    const reply = await say(ben, "@alice we shall", { inReplyToId: root.id });
    const deeper = await say(alice, "@ben good", { inReplyToId: reply.id });
    const context = await ben.v1.statuses.$select(reply.id).context.fetch();
    assert.deepEqual([ids(context.ancestors), ids(context.descendants)], [[root.id], [deeper.id]]);
    const [told] = await alice.v1.notifications.list({ types: ["mention"], limit: 1 });
    assert.deepEqual([told.type, told.account.acct, told.status.id], ["mention", "ben", reply.id]);
    await alice.v1.notifications.$select(told.id).dismiss();
    assert.ok(!ids(await alice.v1.notifications.list()).includes(told.id));
    const message = await say(alice, "@ben a word", { visibility: "direct" });
    const [talk] = await ben.v1.conversations.list();
    assert.deepEqual([talk.lastStatus.id, talk.unread], [message.id, true]);
    assert.equal((await ben.v1.conversations.$select(talk.id).read()).unread, false);
    await refused(cleo.v1.statuses.$select(message.id).fetch(), 404);
  },

  async edits() {
    const status = await say(alice, "frist");
    const edited = await alice.v1.statuses.$select(status.id).update({ status: "first" });
    assert.ok(edited.editedAt);
    const history = await alice.v1.statuses.$select(status.id).history.list();
    assert.deepEqual(history.map((each) => each.content.includes("first")), [false, true]);
    assert.equal((await alice.v1.statuses.$select(status.id).source.fetch()).text, "first");
    assert.equal((await alice.v1.statuses.$select(status.id).remove()).text, "first");
    await refused(alice.v1.statuses.$select(status.id).fetch(), 404);
  },

  async reactions() {
    const { id } = await say(alice, "do something");
    const theirs = ben.v1.statuses.$select(id);
    assert.equal((await theirs.favourite()).favourited, true);
    assert.equal((await theirs.reblog()).reblog.reblogged, true);
    assert.equal((await theirs.bookmark()).bookmarked, true);
    assert.equal((await alice.v1.statuses.$select(id).pin()).pinned, true);
    const seen = await alice.v1.statuses.$select(id).fetch();
    assert.deepEqual([seen.favouritesCount, seen.reblogsCount], [1, 1]);
    assert.deepEqual((await theirs.favouritedBy.list()).map((account) => account.acct), ["ben"]);
    assert.deepEqual((await theirs.rebloggedBy.list()).map((account) => account.acct), ["ben"]);
    assert.ok(ids(await ben.v1.favourites.list()).includes(id));
    assert.ok(ids(await ben.v1.bookmarks.list()).includes(id));
    assert.ok(ids(await ben.v1.accounts.$select(seen.account.id).statuses.list({ pinned: true })).includes(id));
    assert.equal((await theirs.unfavourite()).favourited, false);
    assert.equal((await theirs.unreblog()).reblogged, false);
    assert.equal((await theirs.unbookmark()).bookmarked, false);
    assert.equal((await alice.v1.statuses.$select(id).unpin()).pinned, false);
  },

  async polls() {
    const poll = { options: ["tea", "coffee", "water"], expiresIn: 3600, multiple: true };
    const status = await say(alice, "what will you have?", { poll });
    const voted = await ben.v1.polls.$select(status.poll.id).votes.create({ choices: [0, 2] });
    assert.deepEqual([voted.voted, voted.ownVotes], [true, [0, 2]]);
    const seen = await alice.v1.polls.$select(status.poll.id).fetch();
    assert.deepEqual(seen.options.map((option) => option.votesCount), [1, 0, 1]);
    assert.deepEqual([seen.votesCount, seen.votersCount], [2, 1]);
    await refused(ben.v1.polls.$select(status.poll.id).votes.create({ choices: [1] }), 422);
  },

  async filters() {
    await ben.v1.accounts.$select(await idOf(alice)).follow();
    const made = await ben.v2.filters.create({
      title: "spoilers",
      context: ["home"],
      filterAction: "warn",
      keywordsAttributes: [{ keyword: "the butler", wholeWord: true }],
    });
    const met = await say(alice, "it was the butler");
    const spared = await say(alice, "it was the gardener");
    const home = await ben.v1.timelines.home.list({ limit: 5 });
    const filtered = (id) => home.find((status) => status.id === id).filtered.map((each) => each.filter.title);
    assert.deepEqual([filtered(met.id), filtered(spared.id)], [["spoilers"], []]);
    const keyword = await ben.v2.filters.$select(made.id).keywords.create({ keyword: "gardener", wholeWord: false });
    assert.equal((await ben.v2.filters.$select(made.id).fetch()).keywords.length, 2);
    await ben.v2.filters.keywords.$select(keyword.id).remove();
    assert.deepEqual((await ben.v2.filters.$select(made.id).fetch()).keywords.map((each) => each.keyword), ["the butler"]);
    await ben.v2.filters.$select(made.id).remove();
    await refused(ben.v2.filters.$select(made.id).fetch(), 404);
  },

  async lists() {
    const them = await idOf(ben);
    await alice.v1.accounts.$select(them).follow();
    const made = await alice.v1.lists.create({ title: "friends" });
    await alice.v1.lists.$select(made.id).accounts.create({ accountIds: [them] });
    const heard = await say(ben, "on the list");
    assert.ok(ids(await alice.v1.timelines.list.$select(made.id).list()).includes(heard.id));
    assert.deepEqual((await alice.v1.lists.$select(made.id).accounts.list()).map((account) => account.acct), ["ben"]);
    assert.equal((await alice.v1.lists.$select(made.id).update({ title: "best friends" })).title, "best friends");
    await alice.v1.lists.$select(made.id).accounts.remove({ accountIds: [them] });
    assert.deepEqual(await alice.v1.lists.$select(made.id).accounts.list(), []);
    await alice.v1.lists.$select(made.id).remove();
    await refused(alice.v1.lists.$select(made.id).fetch(), 404);
  },

  async search() {
    const status = await say(alice, "on #hoopoes");
    const people = await ben.v2.search.list({ q: `@alice@${new URL(given.url).host}`, resolve: true });
    assert.deepEqual(people.accounts.map((account) => account.acct), ["alice"]);
    assert.deepEqual(ids((await ben.v2.search.list({ q: status.uri, resolve: true })).statuses), [status.id]);
    const tags = (await ben.v2.search.list({ q: "hoopoe", type: "hashtags" })).hashtags;
    assert.ok(tags.some((tag) => tag.name === "hoopoes"));
    assert.ok(ids(await ben.v1.timelines.tag.$select("hoopoes").list()).includes(status.id));
    assert.equal((await ben.v1.tags.$select("hoopoes").follow()).following, true);
    assert.equal((await ben.v1.tags.$select("hoopoes").unfollow()).following, false);
  },

  async relationships() {
    const them = await idOf(cleo);
    await cleo.v1.accounts.updateCredentials({ locked: true });
    await alice.v1.accounts.$select(them).follow();
    const [wish] = await cleo.v1.followRequests.list();
    assert.equal(wish.acct, "alice");
    assert.equal((await cleo.v1.followRequests.$select(wish.id).authorize()).followedBy, true);
    const [found] = await alice.v1.accounts.relationships.fetch({ id: [them] });
    assert.deepEqual([found.following, found.requested], [true, false]);
    await cleo.v1.accounts.updateCredentials({ locked: false });
    const account = alice.v1.accounts.$select(them);
    assert.equal((await account.mute({ notifications: false })).muting, true);
    assert.deepEqual((await alice.v1.mutes.list()).map((each) => each.id), [them]);
    assert.equal((await account.unmute()).muting, false);
    assert.equal((await account.block()).blocking, true);
    assert.deepEqual((await alice.v1.blocks.list()).map((each) => each.id), [them]);
    assert.equal((await account.unblock()).blocking, false);
    assert.equal((await account.note.create({ comment: "met at the fair" })).note, "met at the fair");
  },

  async profile() {
    const avatar = new Blob([Buffer.from(given.image, "base64")], { type: "image/png" });
    const changed = await alice.v1.accounts.updateCredentials({
      displayName: "Alice", note: "I like #maps", avatar, fieldsAttributes: [{ name: "Web", value: "https://example.org/" }],
      source: { privacy: "unlisted", sensitive: false, language: "en" },
    });
    assert.deepEqual([changed.displayName, changed.fields.map((field) => field.name)], ["Alice", ["Web"]]);
    assert.deepEqual([changed.source.note, changed.source.privacy, changed.source.language], ["I like #maps", "unlisted", "en"]);
    const digest = async (url) => createHash("sha256").update(Buffer.from(await (await fetch(url)).arrayBuffer())).digest("hex");
    assert.equal((await digest(changed.avatar)).length, 64);
    assert.equal((await say(alice, "quietly")).visibility, "unlisted");
    await alice.v1.accounts.updateCredentials({ source: { privacy: "public" } });
    const saved = await alice.v1.markers.create({ home: { lastReadId: "1" } });
    assert.equal(saved.home.lastReadId, "1");
    const instance = await alice.v2.instance.fetch();
    assert.equal(instance.domain, new URL(given.url).host);
    assert.ok(instance.configuration.urls.streaming.startsWith("ws"));
  },

  async streaming() {
    await ben.v1.accounts.$select(await idOf(alice)).follow();
    const { configuration } = await ben.v2.instance.fetch();
    const options = { streamingApiUrl: configuration.urls.streaming, accessToken: given.tokens.ben };
    const client = createStreamingAPIClient({ ...options, retry: false });
    const heard = [];
    const listen = async (subscription, until) => {
      for await (const event of subscription) {
        heard.push(event);
        if (until(event)) return;
      }
    };
    await client.prepare();
    const user = client.user.subscribe();
    const tag = client.hashtag.subscribe({ tag: "wrens" });
    const both = Promise.all([
      listen(user, (event) => event.event === "delete"),
      listen(tag, (event) => event.event === "update"),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const status = await say(alice, "@ben look, #wrens");
    await alice.v1.statuses.$select(status.id).update({ status: "@ben look, many #wrens" });
    await alice.v1.statuses.$select(status.id).remove();
    await both;
    const mine = heard.filter((event) => event.stream.includes("user"));
    const kinds = new Set(mine.map((event) => event.event));
    assert.deepEqual([...kinds].sort(), ["delete", "notification", "status.update", "update"]);
    assert.equal(mine.find((event) => event.event === "update").payload.id, status.id);
    assert.equal(mine.find((event) => event.event === "notification").payload.status.id, status.id);
    assert.ok(mine.find((event) => event.event === "status.update").payload.content.includes("many"));
    assert.equal(mine.find((event) => event.event === "delete").payload, status.id);
    assert.deepEqual(heard.find((event) => event.stream[0] === "hashtag").stream, ["hashtag", "wrens"]);
  },
};

const name = process.argv[2];
await scenarios[name]();
console.log(JSON.stringify({ passed: name }));
process.exit(0);
