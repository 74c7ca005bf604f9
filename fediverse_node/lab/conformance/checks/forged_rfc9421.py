"""RFC 9421 signatures that prove nothing: each must be refused.  spec: rfc9421#3.2, rfc9421#7"""

from __future__ import annotations

from collections.abc import Callable

from fediverse_node.lab.conformance.attempt import Probe, Try
from fediverse_node.lab.conformance.case import Case, dump
from fediverse_node.lab.conformance.letters import Letter, Lie, rfc9421
from fediverse_node.lab.conformance.section import Section
from fediverse_node.lab.conformance.verdict import Need
from fediverse_node.protocol.uris import origin_of
from fediverse_node.signatures.digest import content_digest_header

SECTION = Section()
_RFC9421 = (Need.RFC9421,)
_DAY_S = 86_400


def _lying(lie: Callable[[Case], Lie], change: Callable[[Letter], Letter] | None = None) -> Callable[[Case], Try]:
    def build(case: Case) -> Try:
        actor = case.stand_in.new_actor()
        follow = case.follow(actor)
        url, now = case.facts.inbox or "", case.clock.now()
        letter = rfc9421(url, dump(follow), key=actor.key, key_id=actor.key_id, now=now, lie=lie(case))
        return Try(change(letter) if change is not None else letter, actor, follow)

    return build


def _honest(case: Case) -> Lie:
    return Lie()


def _cover(*names: str) -> Callable[[Case], Lie]:
    return lambda case: Lie(cover=names)


def _created(shift_s: int) -> Callable[[Case], Lie]:
    cover = ("@method", "@target-uri", "content-digest", "content-type")
    return lambda case: Lie(cover=cover, created=int(case.clock.now().timestamp()) + shift_s)


def _expired(case: Case) -> Lie:
    now = int(case.clock.now().timestamp())
    return Lie(created=now - 600, expires=now - 300)


def _elsewhere(case: Case) -> Lie:
    return Lie(
        target=(case.facts.inbox or "").replace(origin_of(case.facts.inbox or "") or "", "https://other.example")
    )


def _swapped(letter: Letter) -> Letter:
    return letter.with_body(letter.body.replace(b'"Follow"', b'"Follow" '))


def _swapped_with_digest(letter: Letter) -> Letter:
    changed = _swapped(letter)
    return changed.with_header("content-digest", content_digest_header(changed.body))


def _other_key(case: Case) -> Try:
    actor = case.stand_in.new_actor()
    follow = case.follow(actor)
    key = case.stand_in.other_key(actor)
    letter = rfc9421(case.facts.inbox or "", dump(follow), key=key, key_id=actor.key_id, now=case.clock.now())
    return Try(letter, actor, follow)


_PROBES = (
    Probe(
        "forged9421.other-key",
        "A signature by another key is refused",
        why="The plainest forgery, in the new form.",
        advice="Verify with the key that keyid names.",
        refs=("rfc9421#3.2", "CVE-2026-28432"),
        build=_other_key,
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.no-digest",
        "A signature that does not cover content-digest is refused",
        why="It says nothing about the body; Fedify 2.3.6 took it.",
        advice="Demand content-digest among the components of every request with a body.",
        refs=("rfc9421#7.2.8", "rfc9530#2"),
        build=_lying(_cover("@method", "@target-uri", "content-type", "date")),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.body",
        "A body that was changed after signing is refused",
        why="The digest is signed and no longer fits.",
        advice="Compute the digest of the body that came and compare it.",
        refs=("rfc9530#2",),
        build=_lying(_honest, _swapped),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.body-and-digest",
        "A body changed together with its digest is refused",
        why="The digest fits, and the signature over it no longer does.",
        advice="Verify the signature over the content-digest that came.",
        refs=("rfc9421#3.2",),
        build=_lying(_honest, _swapped_with_digest),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.no-method",
        "A signature without the method is refused",
        why="A signed GET could become a POST.",
        advice="Demand @method.",
        refs=("rfc9421#7.2.1",),
        build=_lying(_cover("@target-uri", "content-digest", "date")),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.no-target",
        "A signature without the target is refused",
        why="It would hold for every inbox of every server.",
        advice="Demand @target-uri, or @authority and @path together.",
        refs=("rfc9421#7.2.1",),
        build=_lying(_cover("@method", "content-digest", "date")),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.target",
        "A signature for another server is refused",
        why="Another server could pass on here what was signed for it.",
        advice="Build @target-uri from the request and the names of your own server.",
        refs=("rfc9421#2.2.2",),
        build=_lying(_elsewhere),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.old",
        "A signature created last month is refused",
        why="Without a window a request that was once overheard can be repeated for ever.",
        advice="Refuse created older than about 12 hours.",
        refs=("rfc9421#7.2.2",),
        build=_lying(_created(-30 * _DAY_S)),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.future",
        "A signature created next week is refused",
        why="It could be kept and used later.",
        advice="Refuse created more than about one hour ahead.",
        refs=("rfc9421#3.2",),
        build=_lying(_created(7 * _DAY_S)),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.expired",
        "An expired signature is refused",
        why="Its own sender says that it counts no longer.",
        advice="Refuse signatures whose expires is past.",
        refs=("rfc9421#2.3",),
        build=_lying(_expired),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.algorithm",
        "An unknown algorithm is refused",
        why="A label must not lead around the check.",
        advice="Accept the algorithms that you verify, by name, and refuse the rest.",
        refs=("rfc9421#3.3",),
        build=_lying(lambda case: Lie(algorithm="none", signature=b"none")),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.label",
        "A signature whose description is missing is refused",
        why="Signature and Signature-Input belong together by their label; half of a pair says nothing.",
        advice="Refuse a signature without a description of the same label.",
        refs=("rfc9421#4.2",),
        build=_lying(
            _honest,
            lambda letter: letter.with_header(
                "signature-input", letter.header("signature-input").replace("sig1=", "sig2=")
            ),
        ),
        needs=_RFC9421,
    ),
    Probe(
        "forged9421.malformed",
        "A description that cannot be read is refused",
        why="What cannot be parsed must not count as verified.",
        advice="Answer 401 to structured fields that do not parse.",
        refs=("rfc9421#4.1",),
        build=_lying(_honest, lambda letter: letter.with_header("signature-input", 'sig1=("@method" "@target-uri"')),
        needs=_RFC9421,
    ),
)
SECTION.checks += [probe.to_check() for probe in _PROBES]
