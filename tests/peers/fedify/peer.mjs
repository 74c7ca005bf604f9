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
import {
  createFederation, detachSignature, generateCryptoKeyPair, LanguageString, MemoryKvStore, verifyObject,
} from "@fedify/fedify";
import {
  Accept, Activity, Announce, Block, Create, Delete, Emoji, EmojiReact, Endpoints, Flag, Follow, Group, Hashtag, Image,
  InteractionPolicy, InteractionRule, Like, Mention, Move, Note, Person, PUBLIC_COLLECTION, Question, QuoteAuthorization,
  QuoteRequest, Reject, Tombstone, Undo, Update,
} from "@fedify/vocab";
import { Temporal } from "@js-temporal/polyfill";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";

// Newer Nodes do this by themselves, with NODE_USE_ENV_PROXY=1.
if (process.env.https_proxy) setGlobalDispatcher(new EnvHttpProxyAgent());

const firstKnock = process.argv[2] ?? "rfc9421";
const kept = new Map(); // what this server says, by URI
const received = []; // activities that verified
const posts = []; // all requests to an inbox, with how they were signed and what was answered
const gets = []; // what was asked for, with its query
const actors = new Map();
let counter = 0;

// Everybody lives here who is asked for, so that each test has people of its own. Those who are shy approve followers,
// those who are classic have an RSA key alone, and groups pass on what is addressed to them.
const actorNamed = (name) => {
  if (!/^[a-z][a-z0-9]{0,29}$/.test(name)) return null;
  if (!actors.has(name)) actors.set(name, {
    name,
    keys: null,
    followers: new Map(),
    following: new Set(),
    aliases: [],
    successor: null,
    locked: name.startsWith("shy"),
    Type: name.startsWith("group") ? Group : Person,
  });
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
    return new actor.Type({
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
      aliases: actor.aliases,
      successor: actor.successor,
      publicKey: keys[0].cryptographicKey,
      assertionMethods: keys.map((key) => key.multikey),
    });
  })
  .setKeyPairsDispatcher(async (_ctx, identifier) => {
    const actor = actorNamed(identifier);
    if (actor == null) return [];
    actor.keys ??= Promise.all(
      identifier.startsWith("classic") ? [rsaKeyPair()] : [rsaKeyPair(), generateCryptoKeyPair("Ed25519")],
    );
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

// What people here said in answer, two on a page; nobody need have been told. Posts name it where the test asks for it.
const PAGE = 2;
const repliesTo = (ctx, values) => {
  const uri = ctx.getObjectUri(Note, values).href;
  return [...kept.values()].map((each) => each.object).filter((each) => each.replyTargetId?.href === uri);
};
federation
  .setCollectionDispatcher("replies", Note, "/users/{identifier}/notes/{id}/replies", (ctx, values, cursor) => {
    const start = Number(cursor ?? 0);
    const items = repliesTo(ctx, values);
    const following = start + PAGE < items.length ? `${start + PAGE}` : null;
    return { items: items.slice(start, start + PAGE), nextCursor: following };
  })
  .setFirstCursor(() => "0")
  .setCounter((ctx, values) => repliesTo(ctx, values).length);

federation.setObjectDispatcher(QuoteAuthorization, "/users/{identifier}/stamps/{id}", (ctx, values) =>
  kept.get(ctx.getObjectUri(QuoteAuthorization, values).href)?.object ?? null);

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
  .on(Accept, async (ctx, accept) => {
    await record(ctx, accept);
    await stamped(ctx, accept);
  })
  .on(Reject, record)
  .on(Create, async (ctx, create) => {
    await record(ctx, create);
    await passedOn(ctx, create);
  })
  .on(QuoteRequest, async (ctx, request) => {
    await record(ctx, request);
    await answerQuote(ctx, request);
  })
  .on(EmojiReact, record)
  .on(Update, record)
  .on(Delete, record)
  .on(Like, record)
  .on(Announce, record)
  .on(Block, record)
  .on(Flag, record)
  .on(Move, async (ctx, move) => {
    await record(ctx, move);
    await goAlong(ctx, move);
  })
  .on(Activity, record)
  .onError((_ctx, error) => console.error(error));

const answer = (ctx, name, Type, follow, follower) =>
  deliver(ctx, name, [follower], new Type({
    id: newUri(name, "answers"),
    actor: ctx.getActorUri(name),
    to: follower.id,
    object: follow,
  }));

// A group tells its followers what somebody has said in it.
const passedOn = async (ctx, create) => {
  for (const uri of [...create.toIds, ...create.ccIds]) {
    const target = ctx.parseUri(uri);
    const group = target?.type === "actor" ? actors.get(target.identifier) : null;
    if (group?.Type !== Group) continue;
    await deliver(ctx, group.name, [...group.followers.values()], new Announce({
      id: newUri(group.name, "announces"), actor: ctx.getActorUri(group.name), object: create,
      to: PUBLIC_COLLECTION, cc: ctx.getFollowersUri(group.name),
    }));
  }
};

// Whoever followed an account follows the new one, if that one says that they are the same.
const goAlong = async (ctx, move) => {
  const followers = [...actors.values()].filter((each) => each.following.has(move.actorId?.href));
  if (followers.length === 0 || move.objectId?.href !== move.actorId?.href) return;
  const target = await find(ctx, followers[0].name, move.targetId.href);
  if (target == null || !target.aliasIds.some((alias) => alias.href === move.actorId.href)) return;
  for (const each of followers) await commands.follow(ctx, { as: each.name, object: target.id.href });
};

// Whoever may quote a post is given a stamp, which can be fetched.
const answerQuote = async (ctx, request) => {
  const quoted = kept.get(request.objectId?.href);
  const [quoting, follower] = [await request.getInstrument(ctx), await request.getActor(ctx)];
  if (quoted == null || follower == null || quoting?.attributionId?.href !== follower.id.href) return;
  const answered = {
    id: newUri(quoted.as, "answers"), actor: ctx.getActorUri(quoted.as), to: follower.id, object: request,
  };
  if (quoted.object.interactionPolicy?.canQuote?.automaticApproval?.href !== PUBLIC_COLLECTION.href) {
    await deliver(ctx, quoted.as, [follower], new Reject(answered));
    return;
  }
  const stamp = remembered(new QuoteAuthorization({
    id: ctx.getObjectUri(QuoteAuthorization, { identifier: quoted.as, id: `${++counter}` }),
    attribution: ctx.getActorUri(quoted.as), interactingObject: quoting.id, interactionTarget: quoted.object.id,
  }), quoted.as);
  await deliver(ctx, quoted.as, [follower], new Accept({ ...answered, result: stamp.id }));
};

// What somebody here has asked to quote is granted: the stamp is fetched from whose post it is, read, and shown.
const stamped = async (ctx, accept) => {
  const request = kept.get(accept.objectId?.href);
  if (!(request?.object instanceof QuoteRequest)) return;
  const stamp = accept.resultId == null ? null : await find(ctx, request.as, accept.resultId.href);
  const quoting = kept.get(request.object.instrumentId.href);
  const isGood = stamp instanceof QuoteAuthorization
    && stamp.attributionId?.href === accept.actorId?.href
    && stamp.interactingObjectId?.href === quoting.object.id.href
    && stamp.interactionTargetId?.href === quoting.object.quoteId.href;
  if (!isGood) throw new Error(`${accept.resultId?.href} is no stamp for ${quoting.object.id.href}`);
  quoting.object = quoting.object.clone({ quoteAuthorization: stamp.id });
  await commands.tell(ctx, { as: request.as, object: quoting.object.id.href, to: [accept.actorId.href] });
};

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
    replies: o.replies ? ctx.getCollectionUri("replies", { identifier: o.as, id }) : null,
    interactionPolicy: o.quotable == null ? null : new InteractionPolicy({ canQuote: new InteractionRule({
      automaticApproval: o.quotable ? PUBLIC_COLLECTION : ctx.getActorUri(o.as),
    }) }),
    ...(o.quote ? { quote: new URL(o.quote), quoteUrl: new URL(o.quote) } : {}),
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
    actorNamed(o.as).following.add(target.id.href);
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
    // The followers as Fedify itself knows them, with a digest of who they are; else those who are named as well.
    if (o.synchronized) await ctx.sendActivity({ identifier: o.as }, "followers", create, {
      immediate: true, preferSharedInbox: true, syncCollection: true,
    });
    else await deliver(ctx, o.as, await recipientsOf(ctx, o.as, o), create, o.shared);
    return object;
  },
  // Forgets a follower, as a server does that was set back to a copy of its database.
  async lose(ctx, o) {
    actorNamed(o.as).followers.delete(o.object);
  },
  // Takes something away without telling anybody.
  async forget(ctx, o) {
    kept.delete(o.object);
  },
  async alias(ctx, o) {
    actorNamed(o.as).aliases = [new URL(o.object)];
  },
  async move(ctx, o) {
    actorNamed(o.as).successor = new URL(o.target);
    return await deliver(ctx, o.as, await recipientsOf(ctx, o.as, o), new Move({
      id: newUri(o.as, "moves"), actor: ctx.getActorUri(o.as), object: ctx.getActorUri(o.as),
      target: new URL(o.target), to: ctx.getFollowersUri(o.as),
    }));
  },
  // New keys under the names of the old ones.
  async renew(ctx, o) {
    actorNamed(o.as).keys = null;
  },
  async react(ctx, o) {
    const picture = new Image({ url: new URL(`${origin}/cat.png`), mediaType: "image/png" });
    const emoji = (name) => new Emoji({ id: new URL(`${origin}/emojis/${name}`), name: `:${name}:`, icon: picture });
    return await deliver(ctx, o.as, await recipientsOf(ctx, o.as, o), remembered(new EmojiReact({
      id: newUri(o.as, "reactions"), actor: ctx.getActorUri(o.as), object: new URL(o.object), content: o.content,
      tags: /^:\w+:$/.test(o.content) ? [emoji(o.content.slice(1, -1))] : [],
    }), o.as));
  },
  async vote(ctx, o) {
    const id = newUri(o.as, "votes");
    const [question] = await findAll(ctx, o.as, [o.object]);
    const vote = new Note({
      id, attribution: ctx.getActorUri(o.as), name: o.name, replyTarget: question.id, to: question.attributionId,
    });
    return await deliver(ctx, o.as, await findAll(ctx, o.as, [question.attributionId.href]), new Create({
      id: new URL(`${id.href}/activity`), actor: ctx.getActorUri(o.as), object: vote, to: question.attributionId,
    }));
  },
  // Says something about a post elsewhere, and asks its author.
  async quote(ctx, o) {
    const note = await commands.create(ctx, o);
    const [quoted] = await findAll(ctx, o.as, [o.quote]);
    const request = new QuoteRequest({
      id: newUri(o.as, "requests"), actor: ctx.getActorUri(o.as), object: quoted.id, instrument: note,
      to: quoted.attributionId,
    });
    await deliver(ctx, o.as, await findAll(ctx, o.as, [quoted.attributionId.href]), remembered(request, o.as));
    return note;
  },
  async update(ctx, o) {
    const found = kept.get(o.object);
    found.object = found.object.clone({ contents: [o.content], updated: Temporal.Now.instant() });
    return await commands.tell(ctx, o);
  },
  // How a post is now.
  async tell(ctx, o) {
    const found = kept.get(o.object);
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
  // What a document says if it is its author's by its proof alone, whoever brings it; else nothing. As in an inbox, a
  // linked-data signature is put aside first.
  async believe(ctx, o) {
    const documentLoader = await ctx.getDocumentLoader({ identifier: o.as });
    return await verifyObject(Activity, detachSignature(o.document), { contextLoader: ctx.contextLoader, documentLoader });
  },
  async lookup(ctx, o) {
    return await find(ctx, o.as, o.url);
  },
};

const inspect = {
  "/received": () => received,
  "/posts": () => posts,
  "/gets": () => gets,
  "/followers": () => Object.fromEntries([...actors.values()].map((actor) => [actor.name, [...actor.followers.keys()]])),
};

handleFederation = async (request, response) => {
  const body = await readBody(request);
  if (request.method === "GET") gets.push(request.url);
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
    const keyId = /keyid="([^"]+)"/i.exec(`${request.headers["signature-input"]} ${request.headers.signature}`)?.[1] ?? null;
    let activity = {};
    try { activity = JSON.parse(body.toString("utf8")); } catch { /* recorded as it is */ }
    posts.push({
      path: request.url, scheme, algorithm, keyId, status: answered.status, id: activity.id ?? null, type: activity.type ?? null,
    });
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
