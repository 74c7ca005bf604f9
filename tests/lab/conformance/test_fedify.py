"""The checker against a server of another make: it runs to its end and sees what Fedify is known to do."""

from __future__ import annotations

import pytest

from fediverse_node.lab.conformance.index import CHECKS
from fediverse_node.lab.conformance.verdict import Verdict
from tests.federation.fedify import fedify_server
from tests.lab.conformance.conftest import Examine

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]

WELL = (
    "webfinger.acct",
    "webfinger.self",
    "actor.id",
    "keys.pem",
    "keys.multikey",
    "taken.cavage",
    "taken.rfc9421",
    "taken.hs2019",
    "forged.unsigned",
    "forged.other-key",
    "forged.body",
    "forged9421.other-key",
    "identity.actor",
    "delivery.signature",
    "delivery.shape",
)


async def test_fedify_is_examined_to_the_end(examined: Examine) -> None:
    with fedify_server("rfc9421") as fedify:
        async with fedify.person() as ada:
            note = await ada.do("create", content="<p>Hello</p>")
            report = await examined(ada.uri, post=note["id"])
    found = {finding.id: finding for finding in report.findings}
    assert found.keys() == {check.id for check in CHECKS}
    assert {id_: found[id_].said for id_ in WELL if found[id_].verdict is not Verdict.PASSED} == {}
    # It asks for RFC 9421 by a challenge, and the checker meets it.
    assert found["taken.challenge"].verdict is Verdict.PASSED
