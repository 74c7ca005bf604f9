"""Why a document could not be read: one sentence for each way out of this room."""

from __future__ import annotations

from fediverse_node.base.outcome import Reason


class WireReason(Reason):
    """Reasons of the wire format."""

    NOT_AN_OBJECT = "the document is not a JSON object"
    NO_TYPE = "the document does not say what it is: `type` is missing"
    NO_ID = "the document has no usable `id`"
    NO_ACTOR = "the activity does not say whose it is: `actor` is missing"
    NO_AUTHOR = "the object does not say whose it is: `attributedTo` is missing"
    NOT_AN_ACTOR = "the document is not an actor"
    NOT_A_KEY = "the document is not a public key with an owner"
    NOT_A_COLLECTION = "the document is not a collection"
    NOT_A_TOMBSTONE = "the document is not a tombstone"
    NOT_A_STAMP = "the document is not an approval of a quote, reply, like or announce"
    GONE = "the document is a tombstone: what was here has been deleted"
    UNKNOWN_OBJECT_TYPE = "the object is of a type we do not show"
    TOO_DEEP = "the document is nested too deeply"
    TOO_MANY_NODES = "the document has too many nodes without an id"
    TOO_LARGE = "the document is too large"
    NO_AS2_CONTEXT = "the document names JSON-LD contexts, but not the one of Activity Streams"
    TERM_REDEFINED = "the document's context gives a core word another meaning, or a core meaning another word"
    KEYWORDS_USED = "the document uses JSON-LD keywords where plain JSON has plain values"
    CONTEXT_FEATURE = "the document's context uses a JSON-LD feature that plain reading does not know"
    RESTRUCTURED = "the document uses a JSON-LD keyword that can move statements elsewhere"
    UNKNOWN_CONTEXT = "the document needs a JSON-LD context that is not bundled"
    BAD_JSON_LD = "the document is not valid JSON-LD"
    BAD_RESOURCE = "this is neither a handle nor a web address"
    BAD_WEBFINGER = "the WebFinger answer cannot be used"
    BAD_NODEINFO = "the NodeInfo answer cannot be used"
    BAD_SYNCHRONIZATION = "the header about followers cannot be read"
