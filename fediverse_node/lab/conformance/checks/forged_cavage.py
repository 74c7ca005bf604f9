"""Signatures of the old draft that prove nothing: each must be refused.  spec: cavage#2.3, cavage#2.5"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

from fediverse_node.lab.conformance.attempt import Probe, Try
from fediverse_node.lab.conformance.case import Case, dump
from fediverse_node.lab.conformance.letters import Letter, Lie, cavage
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.stand_in import Actor
from fediverse_node.lab.conformance.verdict import Need, Verdict
from fediverse_node.signatures.digest import digest_header
from fediverse_node.signatures.http_date import dump_http_date

SECTION = Section()
_CAVAGE = (Need.CAVAGE,)
_ALL = ("(request-target)", "host", "date", "digest")


def _lying(
    lie: Callable[[Case], Lie], change: Callable[[Letter, Actor], Letter] | None = None
) -> Callable[[Case], Try]:
    """A Follow by somebody new, signed with this lie, and changed after signing."""

    def build(case: Case) -> Try:
        actor = case.stand_in.new_actor()
        follow = case.follow(actor)
        letter = cavage(
            case.facts.inbox or "",
            dump(follow),
            key=actor.key,
            key_id=actor.key_id,
            now=case.clock.now(),
            lie=lie(case),
        )
        return Try(change(letter, actor) if change is not None else letter, actor, follow)

    return build


def _honest(case: Case) -> Lie:
    return Lie()


def _cover(*names: str) -> Callable[[Case], Lie]:
    return lambda case: Lie(cover=names)


def _swapped(letter: Letter, actor: Actor) -> Letter:
    return letter.with_body(letter.body.replace(b'"Follow"', b'"Follow" '))


def _swapped_with_digest(letter: Letter, actor: Actor) -> Letter:
    changed = _swapped(letter, actor)
    return changed.with_header("digest", digest_header(changed.body))


def _second_digest(letter: Letter, actor: Actor) -> Letter:
    changed = _swapped(letter, actor)
    return changed.with_another("digest", digest_header(changed.body))


def _second_signature(letter: Letter, actor: Actor) -> Letter:
    wrong = letter.header("signature").replace('signature="', 'signature="AAAA')
    return letter.with_header("signature", None).with_another("signature", wrong).with_another("signature", wrong)


def _wrong_key(case: Case) -> Try:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    letter = cavage(
        case.facts.inbox or "",
        dump(follow),
        key=case.stand_in.other_key(actor),
        key_id=actor.key_id,
        now=case.clock.now(),
    )
    return Try(letter, actor, follow)


def _hmac_of_public_key(case: Case) -> Try:
    """The old confusion: what verifies with a public RSA key is verified with that key as a shared secret."""
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    url, body, now = case.facts.inbox or "", dump(follow), case.clock.now()
    honest = cavage(url, body, key=actor.key, key_id=actor.key_id, now=now, lie=Lie(cover=("date",)))
    base = f"date: {honest.header('date')}".encode()
    mac = hmac.new(actor.key.public().pem().encode(), base, sha256).digest()
    lie = Lie(cover=("date",), algorithm="hmac-sha256", signature=mac)
    return Try(cavage(url, body, key=actor.key, key_id=actor.key_id, now=now, lie=lie), actor, follow)


def _two_dates(case: Case) -> Try:
    """An old date that is signed, below a fresh one that is not."""
    built = _lying(_at(days=-30))(case)
    fresh = dump_http_date(case.clock.now())
    return Try(built.letter.with_another("date", fresh, first=True), built.watched, built.follow)


def _unsigned(case: Case) -> Try:
    built = _lying(_honest)(case)
    return Try(built.letter.with_header("signature", None), built.watched, built.follow)


def _at(**delta: float) -> Callable[[Case], Lie]:
    return lambda case: Lie(date=case.clock.now() + timedelta(**delta))


def _expired(case: Case) -> Lie:
    now = int(case.clock.now().timestamp())
    cover = ("(request-target)", "(created)", "(expires)", "host", "digest")
    return Lie(cover=cover, algorithm="hs2019", created=now - 600, expires=now - 300)


_PROBES = (
    Probe(
        "forged.unsigned",
        "An activity without a signature is refused",
        why="Anybody could write it. Servers have taken such posts and shown them.",
        advice="Answer 401 to whatever is not signed, before anything else is done with it.",
        refs=("ap#authorization", "CVE-2026-28432"),
        build=_unsigned,
        needs=(),
    ),
    Probe(
        "forged.other-key",
        "A signature by another key is refused",
        why="The plainest forgery: the name of one key, the signature of another.",
        advice="Verify with the key that keyId names, and let no path continue without a good result.",
        refs=("cavage#2.5", "CVE-2026-28432"),
        build=_wrong_key,
        needs=_CAVAGE,
    ),
    Probe(
        "forged.garbage",
        "A signature that is none is refused",
        why="What cannot be decoded must not count as verified.",
        advice="Answer 401 to signatures that cannot be read.",
        refs=("cavage#2.5",),
        build=_lying(_honest, lambda letter, _: letter.with_header("signature", "not a signature at all")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.empty",
        "An empty signature is refused",
        why="Some libraries verify nothing successfully.",
        advice="Refuse signatures without a value.",
        refs=("cavage#2.1",),
        build=_lying(lambda case: Lie(signature=b"")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.algorithm",
        "An unknown algorithm is refused",
        why="A label such as `none` must not lead around the check.",
        advice="Accept the few algorithms that you verify, by name, and refuse the rest.",
        refs=("cavage#2.1.3",),
        build=_lying(lambda case: Lie(algorithm="none", signature=b"none")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.hmac",
        "The public key does not work as a shared secret",
        why="Everybody knows the public key; who verifies an HMAC with it accepts everybody.",
        advice="Let the kind of the key decide, not the label: an RSA key verifies RSA signatures alone.",
        refs=("cavage#2.1.3",),
        build=_hmac_of_public_key,
        needs=_CAVAGE,
    ),
    Probe(
        "forged.no-digest",
        "A body without a digest is refused",
        why="Then the signature says nothing about the body; Mastodon and Lemmy refuse it.",
        advice="Demand digest among the signed headers of every request with a body.",
        refs=("cavage#d", "rfc3230#4.3.2"),
        build=_lying(_cover("(request-target)", "host", "date"), lambda letter, _: letter.with_header("digest", None)),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.digest-unsigned",
        "A digest that is not signed is refused",
        why="Whoever changes the body changes the digest with it. Servers have taken such requests.",
        advice="Demand digest among the signed headers, and look at signed digests alone.",
        refs=("cavage#d",),
        build=_lying(_cover("(request-target)", "host", "date")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.body",
        "A body that was changed after signing is refused",
        why="Servers have shown people text that did not match the signed digest.",
        advice="Compute the digest of the body that came and compare it with the signed one.",
        refs=("rfc3230#4.3.2",),
        build=_lying(_honest, _swapped),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.digest",
        "A digest that is signed but wrong is refused",
        why="The signature holds; only the comparison with the body shows that something else was meant.",
        advice="Compute the digest of the body that came and compare it with the signed one.",
        refs=("rfc3230#4.3.2",),
        build=_lying(lambda case: Lie(digest=digest_header(b"something else"))),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.body-and-digest",
        "A body changed together with its digest is refused",
        why="The digest fits, and the signature over it no longer does.",
        advice="Verify the signature over the digest that came.",
        refs=("cavage#2.5",),
        build=_lying(_honest, _swapped_with_digest),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.two-digests",
        "Of two digests in two headers the signed one counts",
        why="Who verifies one line and compares the other lets any body through.",
        advice="Join repeated headers before verifying, and compare all signed digests that you know.",
        refs=("cavage#2.3",),
        build=_lying(_honest, _second_digest),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.two-signatures",
        "Two signature headers, both wrong, are refused",
        why="Ambiguous requests are read in two ways by two programs.",
        advice="Refuse repeated Signature headers.",
        refs=("cavage#4.1",),
        build=_lying(_honest, _second_signature),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.two-dates",
        "Two Date headers are refused",
        why="One is signed, the other may be the one that is checked.",
        advice="Join repeated headers before verifying, or refuse them.",
        refs=("cavage#2.3",),
        build=_two_dates,
        needs=_CAVAGE,
    ),
    Probe(
        "forged.old",
        "A signature of last month is refused",
        why="Without a window a request that was once overheard can be repeated for ever. Servers have had none.",
        advice="Refuse dates older than about 12 hours; Fedify and Lemmy allow one hour.",
        refs=("cavage#2.5",),
        build=_lying(_at(days=-30)),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.future",
        "A signature of next week is refused",
        why="It could be kept and used later.",
        advice="Refuse dates more than about one hour ahead.",
        refs=("cavage#2.5",),
        build=_lying(_at(days=7)),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.expired",
        "An expired signature is refused",
        why="Its own sender says that it counts no longer.",
        advice="Refuse signatures whose expires is past.",
        refs=("cavage#2.1.5",),
        build=_lying(_expired),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.no-time",
        "A signature without any time is refused",
        why="It would hold for ever.",
        advice="Demand date or (created) among what is signed.",
        refs=("cavage#2.5",),
        build=_lying(_cover("(request-target)", "host", "digest")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.date-alone",
        "A signature over the date alone is refused",
        why="It is valid for every request of that second, and servers have taken it.",
        advice="Demand (request-target), host, date and digest.",
        refs=("cavage#2.5",),
        build=_lying(_cover("date")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.no-target",
        "A signature without the target is refused",
        why="It would hold for every inbox of the server, and for every method.",
        advice="Demand (request-target).",
        refs=("cavage#2.3",),
        build=_lying(_cover("host", "date", "digest")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.target",
        "A signature for another inbox is refused",
        why="What somebody sent to one person could be passed on to another.",
        advice="Build (request-target) from the request that came.",
        refs=("cavage#2.3",),
        build=_lying(lambda case: Lie(target="/users/somebody-else/inbox")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.method",
        "A signature for a GET is refused on a POST",
        why="Everybody signs GETs for everybody; none of them may become a message.",
        advice="Build (request-target) from the method that came.",
        refs=("cavage#2.3",),
        build=_lying(lambda case: Lie(method="GET")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.no-host",
        "A signature that does not cover the host is refused",
        why="It would hold on every server with such a path: who receives it can pass it on as if it were theirs.",
        advice="Demand host among the signed headers.",
        refs=("cavage#2.3",),
        build=_lying(_cover("(request-target)", "date", "digest")),
        otherwise=Verdict.WARNING,
        needs=_CAVAGE,
    ),
    Probe(
        "forged.host",
        "A signature for another server is refused",
        why="Another server could pass on here what was signed for it. Mitra closed this in 5.4.",
        advice="Compare the signed host with the names of your server.",
        refs=("cavage#2.3",),
        build=_lying(lambda case: Lie(host="other.example.org")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.absent-header",
        "A header that is listed and absent is refused",
        why="Who fills in nothing for it verifies less than was promised.",
        advice="Refuse signatures that cover headers the request does not have.",
        refs=("cavage#2.3",),
        build=_lying(_cover(*_ALL, "x-not-there")),
        needs=_CAVAGE,
    ),
    Probe(
        "forged.huge",
        "A signature header of 20 kB is refused",
        why="Nobody honest sends one, and parsers differ in what they do with it.",
        advice="Limit header fields to a few kilobytes.",
        refs=("rfc9110#5.4",),
        build=_lying(
            _honest,
            lambda letter, _: letter.with_header("signature", letter.header("signature") + ',x="' + "a" * 20_000 + '"'),
        ),
        otherwise=Verdict.WARNING,
        needs=_CAVAGE,
    ),
)
SECTION.checks += [probe.to_check() for probe in _PROBES]
