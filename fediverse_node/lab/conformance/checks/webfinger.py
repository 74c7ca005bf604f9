"""WebFinger: whether people can be found by their handles, and nobody by another's.

spec: rfc7033, fep-2c59, fep-4adb
"""

from __future__ import annotations

from collections.abc import Mapping

from fediverse_node.base.outcome import Fail
from fediverse_node.lab.conformance.case import Case, came, document, header
from fediverse_node.lab.conformance.discover import self_link
from fediverse_node.lab.conformance.facts import Json
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Need, Outcome, failed, passed, skipped, warning
from fediverse_node.protocol.media_types import JRD_JSON, is_activity_type
from fediverse_node.protocol.reading import sequence
from fediverse_node.protocol.webfinger import Acct, parse_resource

SECTION = Section()
_HANDLE = (Need.HANDLE,)
_UNKNOWN = "nobody-has-this-name-4711"
_NASTY = (
    "acct%3A%00%40%00",
    "%ff%fe",
    "acct%3A%F0%9F%A6%84%40%F0%9F%A6%84",
    "acct%3A",
    "%40",
    "acct%3A%40%40%40",
    "https%3A%2F%2F",
    "https%3A%2F%2F%5B%3A%3A",
    "'%22%3E%3Cscript%3E",
    "acct%3A..%2F..%2Fetc%2Fpasswd%40" + "a" * 300,
    "a" * 1500,
)


def _acct(case: Case) -> Acct:
    return case.facts.acct or Acct("", "")


@SECTION.check(
    "webfinger.acct",
    "The handle leads to the actor",
    why="A handle is all that people know of each other. Without this answer nobody elsewhere can find the actor.",
    advice="Answer GET /.well-known/webfinger?resource=acct:user@host with 200 and a JSON object (JRD).",
    refs=("rfc7033#4.2",),
    needs=_HANDLE,
)
async def handle_leads_to_actor(case: Case) -> Outcome:
    exchange = await case.webfinger(_acct(case).uri)
    jrd = document(exchange)
    if jrd is None:
        return failed(f"{_acct(case)}: {came(exchange)}")
    return (
        passed(f"{_acct(case)} is known") if isinstance(jrd.get("links"), list) else failed("The answer has no links.")
    )


@SECTION.check(
    "webfinger.type",
    "The answer is declared as application/jrd+json",
    why="GoToSocial refuses WebFinger answers of another type, and with them whatever the actor signs.",
    advice="Send Content-Type: application/jrd+json.",
    refs=("rfc7033#10.2",),
    needs=_HANDLE,
)
async def answer_is_jrd(case: Case) -> Outcome:
    kind = header(await case.webfinger(_acct(case).uri), "content-type")
    if kind.partition(";")[0].strip().lower() == JRD_JSON:
        return passed(kind)
    return failed(f"Content-Type is {kind or 'absent'}.")


@SECTION.check(
    "webfinger.subject",
    "The subject is the handle that was asked for, and the actor says the same",
    why="The subject is the canonical handle. Where the actor says another, strict servers take neither.",
    advice="Make subject acct:preferredUsername@host, with the host that the actor's `webfinger` property names.",
    refs=("rfc7033#4.4.1", "fep-2c59", "CVE-2023-42451"),
    needs=_HANDLE,
)
async def subject_is_the_handle(case: Case) -> Outcome:
    jrd = document(await case.webfinger(_acct(case).uri)) or {}
    parsed = parse_resource(str(jrd.get("subject")))
    if isinstance(parsed, Fail) or not isinstance(parsed, Acct):
        return failed(f"The subject is {jrd.get('subject')!r}, which is no handle.")
    wanted = _acct(case)
    if parsed.user.casefold() == wanted.user.casefold() and parsed.host == wanted.host:
        return passed(str(jrd["subject"]))
    return failed(f"Asked about {wanted}, it speaks about {parsed}.")


@SECTION.check(
    "webfinger.self",
    "The self link leads to the actor's id, with an ActivityPub type",
    why="Servers take the first self link with an ActivityPub type, and compare it with the id that they find there.",
    advice='Add {"rel": "self", "type": "application/activity+json", "href": the actor\'s id}.',
    refs=("ap#retrieving-objects", "fep-fe34"),
    needs=_HANDLE,
)
async def self_link_is_the_actor(case: Case) -> Outcome:
    jrd = document(await case.webfinger(_acct(case).uri)) or {}
    return _self_outcome(case, jrd)


def _self_outcome(case: Case, jrd: Json) -> Outcome:
    hrefs = [
        link.get("href")
        for link in sequence(jrd.get("links"))
        if isinstance(link, Mapping) and link.get("rel") == "self" and is_activity_type(str(link.get("type")))
    ]
    if not hrefs:
        return failed("There is no self link with an ActivityPub type.")
    if case.facts.actor_uri not in hrefs:
        return failed(f"The self link is {hrefs[0]}, and the actor's id is {case.facts.actor_uri}.")
    return passed(str(hrefs[0]))


@SECTION.check(
    "webfinger.address",
    "The actor's id can be asked for in place of the handle",
    why="A server that meets the actor in a post knows its id alone; this is how it learns the handle.",
    advice="Answer resource=<the actor's id> with the same document as the handle.",
    refs=("fep-4adb",),
    needs=_HANDLE,
)
async def id_can_be_asked_for(case: Case) -> Outcome:
    exchange = await case.webfinger(case.facts.actor_uri)
    jrd = document(exchange)
    if jrd is None:
        return warning(f"resource={case.facts.actor_uri}: {came(exchange)}")
    return _self_outcome(case, jrd)


@SECTION.check(
    "webfinger.encoding",
    "The resource is understood percent-encoded and plain",
    why="Clients differ: some write acct:a@b, some acct%3Aa%40b. Both are the same query.",
    advice="Decode the query parameter before comparing it.",
    refs=("rfc7033#4.1", "rfc3986"),
    needs=_HANDLE,
)
async def encoding_does_not_matter(case: Case) -> Outcome:
    base = f"{case.facts.webfinger_origin}/.well-known/webfinger?resource="
    plain = await case.get(base + _acct(case).uri, accept=JRD_JSON)
    encoded = await case.webfinger(_acct(case).uri)
    first, second = document(plain), document(encoded)
    if first is None or second is None:
        return failed(f"Plain: {came(plain)}; percent-encoded: {came(encoded)}.")
    return passed("Both ways give the same") if self_link(first) == self_link(second) else failed("The answers differ.")


@SECTION.check(
    "webfinger.case",
    "Capitals in the handle make no difference",
    why="People type handles as they like, phones begin them with a capital, and hosts have no case at all.",
    advice="Compare the host without case, and the user too, or redirect to the canonical spelling.",
    refs=("CVE-2023-42451",),
    needs=_HANDLE,
)
async def capitals_do_not_matter(case: Case) -> Outcome:
    acct = _acct(case)
    host = await case.webfinger(f"acct:{acct.user}@{acct.host.upper()}")
    if document(host) is None and acct.host.upper() != acct.host:
        return failed(f"The host in capitals: {came(host)}")
    user = await case.webfinger(f"acct:{acct.user.upper()}@{acct.host}")
    jrd = document(user)
    if jrd is None:
        return warning(f"{acct.user.upper()}@{acct.host}: {came(user)}")
    return _self_outcome(case, jrd)


@SECTION.check(
    "webfinger.rel",
    "Asking for one kind of link still gives that link",
    why="`rel` narrows the links down; a server that chokes on it hides the actor from those who use it.",
    advice="Filter the links by `rel`, or ignore the parameter.",
    refs=("rfc7033#4.3",),
    needs=_HANDLE,
)
async def rel_is_understood(case: Case) -> Outcome:
    exchange = await case.webfinger(_acct(case).uri, more="&rel=self")
    jrd = document(exchange)
    return failed(f"With rel=self: {came(exchange)}") if jrd is None else _self_outcome(case, jrd)


@SECTION.check(
    "webfinger.cors",
    "Pages of other origins may read the answer",
    why="Follow buttons and web clients look handles up in the browser; the standard demands this header.",
    advice="Send Access-Control-Allow-Origin: *.",
    refs=("rfc7033#5",),
    needs=_HANDLE,
)
async def answer_is_open(case: Case) -> Outcome:
    allowed = header(await case.webfinger(_acct(case).uri), "access-control-allow-origin")
    return (
        passed(f"Access-Control-Allow-Origin: {allowed}")
        if allowed == "*"
        else failed(f"Access-Control-Allow-Origin is {allowed or 'absent'}.")
    )


@SECTION.check(
    "webfinger.unknown",
    "A handle that nobody has is 404",
    why="An answer of 200 invents people; other servers then wait for documents that never come.",
    advice="Answer 404 for unknown users of your host.",
    refs=("rfc7033#4.2",),
    needs=_HANDLE,
)
async def unknown_is_404(case: Case) -> Outcome:
    exchange = await case.webfinger(f"acct:{_UNKNOWN}@{_acct(case).host}")
    return _refusal(exchange.status, came(exchange), wanted=(404, 410))


@SECTION.check(
    "webfinger.absent",
    "A query without a resource is 400",
    why="The standard asks for it, and it tells a broken client from an unknown person.",
    advice="Answer 400 where `resource` is absent or no URI.",
    refs=("rfc7033#4.2",),
    needs=_HANDLE,
)
async def absent_resource_is_400(case: Case) -> Outcome:
    exchange = await case.get(f"{case.facts.webfinger_origin}/.well-known/webfinger", accept=JRD_JSON)
    return _refusal(exchange.status, came(exchange), wanted=(400,))


@SECTION.check(
    "webfinger.foreign",
    "Handles of other hosts are not answered for",
    why="Whoever answers for other hosts can pose as their people: the spoofing that Akkoma 2024.04.1 closed.",
    advice="Answer only for your own hosts, compared in canonical form; 404 for all others.",
    refs=("rfc7033#4.2", "CVE-2023-42451"),
    needs=_HANDLE,
)
async def foreign_handles_are_refused(case: Case) -> Outcome:
    acct = _acct(case)
    for host in ("example.org", f"{acct.host}.example.org", f"example.org@{acct.host}.invalid"):
        exchange = await case.webfinger(f"acct:{acct.user}@{host}")
        jrd = document(exchange)
        if jrd is not None and acct.host != str(jrd.get("subject", "")).rpartition("@")[2].lower():
            return failed(f"Asked about {acct.user}@{host}, it answers with subject {jrd.get('subject')!r}.")
        if exchange.status >= 500:
            return failed(f"Asked about {acct.user}@{host}: {came(exchange)}")
        if jrd is not None:
            return warning(f"Asked about {acct.user}@{host}, it answers with its own {jrd.get('subject')!r}.")
    return passed("None of three foreign hosts is answered for")


@SECTION.check(
    "webfinger.garbage",
    "Nonsense is refused without breaking anything",
    why="This address is open to everybody; what breaks here is found by every scanner.",
    advice="Validate the parameter first: 400 for what is no URI, 404 for what is not yours, never 5xx.",
    refs=("rfc9110#15.5.1",),
    needs=_HANDLE,
)
async def garbage_is_refused(case: Case) -> Outcome:
    for text in _NASTY:
        exchange = await case.get(
            f"{case.facts.webfinger_origin}/.well-known/webfinger?resource={text}", accept=JRD_JSON
        )
        if exchange.status == 0 or exchange.status >= 500:
            return failed(f"resource={text[:60]}: {came(exchange)}")
        if exchange.status < 300:
            return failed(f"resource={text[:60]} was answered as if it were somebody: {came(exchange)}")
    return passed(f"{len(_NASTY)} kinds of nonsense got a 4xx")


@SECTION.check(
    "webfinger.server",
    "The server's own actor can be found",
    why="It signs the server's fetches; whoever wants to know whose key that is looks here.",
    advice="Answer resource=<origin of the server> with the application actor, and serve it without a signature.",
    refs=("fep-d556", "fep-2677"),
)
async def server_actor_is_found(case: Case) -> Outcome:
    found = document(await case.webfinger(case.facts.webfinger_origin)) or document(
        await case.webfinger(f"{case.facts.webfinger_origin}/")
    )
    href = self_link(found) if found else None
    if href is None:
        return skipped("It publishes no actor for the server itself, which is optional")
    exchange = await case.get(href)
    if document(exchange) is None:
        return failed(f"{href}: {came(exchange)} to an unsigned GET, so nobody can verify what it signs")
    return passed(href)


def _refusal(status: int, said: str, *, wanted: tuple[int, ...]) -> Outcome:
    if status in wanted:
        return passed(said)
    if 400 <= status < 500:
        return warning(f"{said}; {wanted[0]} is expected")
    return failed(f"{said}; {wanted[0]} is expected")
