import fediverse_node.lab.scrub_headers as h, fediverse_node.lab.scrub_addresses as a, fediverse_node.lab.scrub_documents as d
from tests.lab.replay.test_scrub import test_no_word_survives_anywhere_and_the_shape_stays as t
def test_it(monkeypatch):
    m="Headers.value"
    if m=="Headers.value": monkeypatch.setattr(h.Headers,"value",lambda self,n,v:v)
    if m=="Addresses.query": monkeypatch.setattr(a.Addresses,"query",lambda self,q:q)
    if m=="Documents.markup": monkeypatch.setattr(d.Documents,"_plain",lambda self,q:q)
    t()
