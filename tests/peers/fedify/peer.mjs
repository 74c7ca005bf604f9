// An independent ActivityPub server on Fedify, driven by a test over a second port.
//
// Fedify verifies whatever reaches an inbox (HTTP signatures of both kinds, Linked Data signatures, object integrity
// proofs); only what it believes is recorded as received. What it sends, it builds and signs in its own way. There is no
// outbox queue, so that a command answers when the delivery has been answered.
//
// Usage: node peer.mjs rfc9421|draft-cavage-http-signatures-12
// Prints one line of JSON when it is ready: {"origin": "http://127.0.0.1:PORT", "control": "http://127.0.0.1:PORT"}
// Behind a proxy: PORT is where it listens, ORIGIN how others call it, and https_proxy how it reaches them.

import { createServer } from "node:http";
import { createFederation, generateCryptoKeyPair, LanguageString, MemoryKvStore, verifyObject } from "@fedify/fedify";
import {
  Accept, Activity, Announce, Block, Create, Delete, Endpoints, Flag, Follow, Hashtag, Image, Like,
  Mention, Move, Note, Person, PUBLIC_COLLECTION, Question, Reject, Tombstone, Undo, Update,
} from "@fedify/vocab";
import { Temporal } from "@js-temporal/polyfill";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";

// Newer Nodes do this by themselves, with NODE_USE_ENV_PROXY=1.
if (process.env.https_proxy) setGlobalDispatcher(new EnvHttpProxyAgent());

const firstKnock = process.argv[2] ?? "rfc9421";
const kept = new Map(); // what this server says, by URI
const received = []; // activities that verified
const posts = []; // all requests to an inbox, with how they were signed and what was answered
const actors = new Map();
let counter = 0;

// Everybody lives here who is asked for, so that each test has people of its own. Those who are shy approve followers.
const actorNamed = (name) => {
  if (!/^[a-z][a-z0-9]{0,29}$/.test(name)) return null;
  if (!actors.has(name)) actors.set(name, { name, keys: null, followers: new Map(), locked: name.startsWith("shy") });
  return actors.get(name);
};

const listening = (handler, port = 0) =>
  new Promise((resolve) => {
    const server = createServer((request, response) => {
      handler(request, response).catch((error) => {
        console.error(error);
        if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: String(error?.stack ?? error) }));
      });
    });
    server.listen(port, "127.0.0.1", () => resolve([server, `http://127.0.0.1:${server.address().port}`]));
  });

const readBody = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
};

// Fedify's own have 4,096 bits, which takes more than a second for each person.
const rsaKeyPair = () =>
  crypto.subtle.generateKey(
    { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
    true,
    ["sign", "verify"],
  );

let handleFederation;
let handleControl;
const [, address] = await listening(
  (request, response) => handleFederation(request, response), Number(process.env.PORT ?? 0),
);
const origin = process.env.ORIGIN ?? address;
const [, control] = await listening((request, response) => handleControl(request, response));

const federation = createFederation({
  kv: new MemoryKvStore(),
  allowPrivateAddress: true,
  firstKnock,
  inboxChallengePolicy: firstKnock === "rfc9421" ? { enabled: true } : undefined,
  origin,
});
const context = () => federation.createContext(new URL(origin), undefined);

federation
  .setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
    const actor = actorNamed(identifier);
    if (actor == null) return null;
    const keys = await ctx.getActorKeyPairs(identifier);
    return new Person({
      id: ctx.getActorUri(identifier),
      preferredUsername: identifier,
      name: `${identifier} of Fedify`,
      summary: `<p>I am ${identifier}.</p>`,
      icon: new Image({ url: new URL(`${origin}/avatar.png`), mediaType: "image/png" }),
      url: new URL(`${origin}/@${identifier}`),
      inbox: ctx.getInboxUri(identifier),
      endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
      followers: ctx.getFollowersUri(identifier),
      manuallyApprovesFollowers: actor.locked,
      publicKey: keys[0].cryptographicKey,
      assertionMethods: keys.map((key) => key.multikey),
    });
  })
  .setKeyPairsDispatcher(async (_ctx, identifier) => {
    const actor = actorNamed(identifier);
    if (actor == null) return [];
    actor.keys ??= Promise.all([rsaKeyPair(), generateCryptoKeyPair("Ed25519")]);
    return await actor.keys;
  });

federation.setFollowersDispatcher("/users/{identifier}/followers", (_ctx, identifier) => {
  const actor = actorNamed(identifier);
  return actor == null ? null : { items: [...actor.followers.values()] };
});

const note = (ctx, { identifier, id }) => kept.get(ctx.getObjectUri(Note, { identifier, id }).href)?.object ?? null;
federation
  .setObjectDispatcher(Note, "/users/{identifier}/notes/{id}", (ctx, values) => note(ctx, values))
  .authorize(async (ctx, values) => {
    const found = kept.get(ctx.getObjectUri(Note, values).href);
    return found == null || found.open || (await ctx.getSignedKeyOwner()) != null;
  });

const record = async (ctx, activity) => {
  received.push({
    type: activity.constructor.name,
    id: activity.id?.href ?? null,
    actor: activity.actorId?.href ?? null,
    objectId: activity.objectId?.href ?? null,
    recipient: ctx.recipient ?? null,
    json: await activity.toJsonLd({ format: "compact", contextLoader: ctx.contextLoader }),
  });
};

federation
  .setInboxListeners("/users/{identifier}/inbox", "/inbox")
  .setSharedKeyDispatcher(() => ({ identifier: "instance" }))
  .on(Follow, async (ctx, follow) => {
    await record(ctx, follow);
    const target = ctx.parseUri(follow.objectId);
    const actor = target?.type === "actor" ? actorNamed(target.identifier) : null;
    const follower = await follow.getActor(ctx);
    if (actor == null || follower == null || actor.locked) return;
    actor.followers.set(follower.id.href, follower);
    await answer(ctx, actor.name, Accept, follow, follower);
  })
  .on(Undo, async (ctx, undo) => {
    await record(ctx, undo);
    const undone = await undo.getObject(ctx);
    if (!(undone instanceof Follow)) return;
    const target = ctx.parseUri(undone.objectId);
    if (target?.type === "actor") actors.get(target.identifier)?.followers.delete(undo.actorId?.href);
  })
  .on(Accept, record)
  .on(Reject, record)
  .on(Create, record)
  .on(Update, record)
  .on(Delete, record)
  .on(Like, record)
  .on(Announce, record)
  .on(Block, record)
  .on(Flag, record)
  .on(Move, record)
  .on(Activity, record)
  .onError((_ctx, error) => console.error(error));

const answer = (ctx, name, Type, follow, follower) =>
  deliver(ctx, name, [follower], new Type({
    id: newUri(name, "answers"),
    actor: ctx.getActorUri(name),
    to: follower.id,
    object: follow,
  }));

const newUri = (name, folder) => new URL(`${origin}/users/${name}/${folder}/${++counter}`);

const deliver = async (ctx, name, recipients, activity, preferSharedInbox = false) => {
  await ctx.sendActivity({ identifier: name }, recipients, activity, { immediate: true, preferSharedInbox });
  return activity;
};

const find = async (ctx, name, url) => {
  const documentLoader = await ctx.getDocumentLoader({ identifier: name });
  return await ctx.lookupObject(url, { documentLoader });
};

const findAll = async (ctx, name, urls) => {
  const found = await Promise.all(urls.map((url) => find(ctx, name, url)));
  found.forEach((each, index) => {
    if (each == null) throw new Error(`${urls[index]} could not be looked up`);
  });
  return found;
};

// Who is addressed, for one of the four visibilities.
const audience = (ctx, name, visibility, people) => {
  const followers = ctx.getFollowersUri(name);
  const named = people.map((url) => new URL(url));
  switch (visibility) {
    case "public": return { tos: [PUBLIC_COLLECTION], ccs: [followers, ...named] };
    case "unlisted": return { tos: [followers], ccs: [PUBLIC_COLLECTION, ...named] };
    case "private": return { tos: [followers, ...named], ccs: [] };
    default: return { tos: named, ccs: [] };
  }
};

const compose = (ctx, o) => {
  const id = `${++counter}`;
  const uri = ctx.getObjectUri(Note, { identifier: o.as, id });
  const addressed = audience(ctx, o.as, o.visibility ?? "public", o.mention ?? []);
  const mentions = (o.mention ?? []).map((href) => new Mention({ href: new URL(href), name: `@${href.split("/").pop()}` }));
  const hashtags = (o.hashtags ?? []).map((tag) => new Hashtag({ href: new URL(`${origin}/tags/${tag}`), name: `#${tag}` }));
  const body = {
    id: uri,
    attribution: ctx.getActorUri(o.as),
    contents: [o.content, ...(o.language ? [new LanguageString(o.content, o.language)] : [])],
    summary: o.summary ?? null,
    sensitive: o.sensitive ?? null,
    replyTarget: o.inReplyTo ? new URL(o.inReplyTo) : null,
    published: Temporal.Now.instant(),
    url: new URL(`${origin}/@${o.as}/${id}`),
    tags: [...mentions, ...hashtags],
    ...addressed,
  };
  const object = o.options == null ? new Note(body) : new Question({
    ...body,
    exclusiveOptions: o.options.map((name) => new Note({ name })),
    endTime: Temporal.Now.instant().add({ hours: 1 }),
  });
  kept.set(uri.href, { object, as: o.as, addressed, open: ["public", "unlisted"].includes(o.visibility ?? "public") });
  return kept.get(uri.href);
};

// Everybody whom something is sent to: followers where they are addressed, and the actors named.
const recipientsOf = async (ctx, name, o) => {
  const named = await findAll(ctx, name, [...(o.mention ?? []), ...(o.to ?? [])]);
  const followers = o.visibility === "direct" ? [] : [...actorNamed(name).followers.values()];
  return [...new Map([...named, ...followers].map((actor) => [actor.id.href, actor])).values()];
};

const remembered = (activity, as) => {
  kept.set(activity.id.href, { object: activity, as });
  return activity;
};

const commands = {
  async follow(ctx, o) {
    const [target] = await findAll(ctx, o.as, [o.object]);
    return await deliver(ctx, o.as, [target], remembered(new Follow({
      id: newUri(o.as, "follows"), actor: ctx.getActorUri(o.as), object: target.id, to: target.id,
    }), o.as));
  },
  async accept(ctx, o) {
    return await commands.respond(ctx, o, Accept);
  },
  async reject(ctx, o) {
    return await commands.respond(ctx, o, Reject);
  },
  // Answers a follow that was received and not answered by itself.
  async respond(ctx, o, Type) {
    const found = received.find((each) => each.id === o.follow);
    const follow = await Activity.fromJsonLd(found.json, ctx);
    const [follower] = await findAll(ctx, o.as, [found.actor]);
    if (Type === Accept) actorNamed(o.as).followers.set(follower.id.href, follower);
    return await answer(ctx, o.as, Type, follow, follower);
  },
  // Says something without telling anybody: it can only be fetched.
  async publish(ctx, o) {
    return compose(ctx, o).object;
  },
  async create(ctx, o) {
    const { object, addressed } = compose(ctx, o);
    const create = new Create({
      id: new URL(`${object.id.href}/activity`), actor: ctx.getActorUri(o.as), object, published: object.published, ...addressed,
    });
    await deliver(ctx, o.as, await recipientsOf(ctx, o.as, o), create, o.shared);
    return object;
  },
  async update(ctx, o) {
    const found = kept.get(o.object);
    found.object = found.object.clone({ contents: [o.content], updated: Temporal.Now.instant() });
    const update = new Update({
      id: newUri(found.as, "updates"), actor: ctx.getActorUri(found.as), object: found.object, ...found.addressed,
    });
    return await deliver(ctx, found.as, await recipientsOf(ctx, found.as, o), update);
  },
  async delete(ctx, o) {
    const { as } = kept.get(o.object);
    kept.delete(o.object);
    return await deliver(ctx, as, await recipientsOf(ctx, as, o), new Delete({
      id: newUri(as, "deletes"), actor: ctx.getActorUri(as), to: PUBLIC_COLLECTION,
      object: new Tombstone({ id: new URL(o.object) }),
    }));
  },
  async like(ctx, o) {
    return await deliver(ctx, o.as, await recipientsOf(ctx, o.as, o), remembered(new Like({
      id: newUri(o.as, "likes"), actor: ctx.getActorUri(o.as), object: new URL(o.object),
    }), o.as));
  },
  async announce(ctx, o) {
    return await deliver(ctx, o.as, await recipientsOf(ctx, o.as, o), remembered(new Announce({
      id: newUri(o.as, "announces"), actor: ctx.getActorUri(o.as), object: new URL(o.object),
      to: PUBLIC_COLLECTION, cc: ctx.getFollowersUri(o.as), published: Temporal.Now.instant(),
    }), o.as));
  },
  async block(ctx, o) {
    const [target] = await findAll(ctx, o.as, [o.object]);
    return await deliver(ctx, o.as, [target], remembered(new Block({
      id: newUri(o.as, "blocks"), actor: ctx.getActorUri(o.as), object: target.id, to: target.id,
    }), o.as));
  },
  async undo(ctx, o) {
    const { object, as } = kept.get(o.object);
    return await deliver(ctx, as, await recipientsOf(ctx, as, o), new Undo({
      id: newUri(as, "undos"), actor: ctx.getActorUri(as), object,
    }));
  },
  async flag(ctx, o) {
    const [target] = await findAll(ctx, o.as, [o.object]);
    return await deliver(ctx, o.as, [target], new Flag({
      id: newUri(o.as, "flags"), actor: ctx.getActorUri(o.as), objects: [target.id, ...(o.posts ?? []).map((url) => new URL(url))],
      content: o.content,
    }));
  },
  // What a document says if it is its author's by its proof alone, whoever brings it; else nothing.
  async believe(ctx, o) {
    const documentLoader = await ctx.getDocumentLoader({ identifier: o.as });
    return await verifyObject(Activity, o.document, { contextLoader: ctx.contextLoader, documentLoader });
  },
  async lookup(ctx, o) {
    return await find(ctx, o.as, o.url);
  },
};

const inspect = {
  "/received": () => received,
  "/posts": () => posts,
  "/followers": () => Object.fromEntries([...actors.values()].map((actor) => [actor.name, [...actor.followers.keys()]])),
};

handleFederation = async (request, response) => {
  const body = await readBody(request);
  const asked = new Request(new URL(request.url, origin), {
    method: request.method,
    headers: Object.entries(request.headersDistinct).flatMap(([name, values]) => values.map((value) => [name, value])),
    body: request.method === "GET" || request.method === "HEAD" ? undefined : body,
  });
  const answered = await federation.fetch(asked, {
    contextData: undefined,
    onNotFound: () => new Response("Not found", { status: 404 }),
    onNotAcceptable: () => new Response("Not acceptable", { status: 406 }),
  });
  if (request.method === "POST") {
    const scheme = request.headers["signature-input"] ? "rfc9421" : request.headers.signature ? "cavage" : "none";
    const algorithm = /alg="([^"]+)"/.exec(request.headers["signature-input"] ?? "")?.[1] ?? null;
    let activity = {};
    try { activity = JSON.parse(body.toString("utf8")); } catch { /* recorded as it is */ }
    posts.push({ path: request.url, scheme, algorithm, status: answered.status, id: activity.id ?? null, type: activity.type ?? null });
  }
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  response.end(Buffer.from(await answered.arrayBuffer()));
};

handleControl = async (request, response) => {
  const path = new URL(request.url, control).pathname;
  let result;
  if (request.method === "GET" && path in inspect) result = inspect[path]();
  else if (request.method === "POST" && path.slice(1) in commands) {
    const ctx = context();
    const said = await commands[path.slice(1)](ctx, JSON.parse((await readBody(request)).toString("utf8")));
    result = said == null ? null : {
      type: said.constructor.name,
      id: said.id?.href ?? null,
      json: await said.toJsonLd({ format: "compact", contextLoader: ctx.contextLoader }),
    };
  } else {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(result));
};

console.log(JSON.stringify({ origin, control }));
