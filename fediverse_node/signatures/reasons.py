"""Why a signature, a digest or a key was refused: one name for each way out."""

from __future__ import annotations

from fediverse_node.base.outcome import Reason


class SignatureFault(Reason):
    """Causes of refusal in this room; none of them goes away by trying the same request again."""

    NO_SIGNATURE = "The request carries no signature."
    MALFORMED = "The signature cannot be read."
    TOO_LARGE = "The signature headers are larger than this server reads."
    AMBIGUOUS = "The signature names the same thing twice."
    UNKNOWN_ALGORITHM = "The signature uses an algorithm this server does not accept."
    UNSUPPORTED_COMPONENT = "The signature covers a kind of component this server does not read."
    MISSING_COMPONENT = "The signature does not cover everything it has to cover."
    DIGEST_MISSING = "The body is not covered by a signed digest."
    DIGEST_MISMATCH = "The body is not the one that was signed."
    TOO_OLD = "The signature is too old."
    IN_THE_FUTURE = "The signature is dated in the future."
    EXPIRED = "The signature has expired."
    WRONG_HOST = "The signature was made for another server."
    KEY_MISMATCH = "The key does not fit the algorithm of the signature."
    BAD_SIGNATURE = "The signature is wrong."
    KEY_UNREADABLE = "The key cannot be read."
    KEY_UNSUPPORTED = "The key is of a kind this server does not use."
    KEY_TOO_WEAK = "The key is too short to be trusted."
    KEY_NOT_FOR_PROOFS = "The actor does not list the key among those that sign documents."
    PROOF_UNSUPPORTED = "The proof is of a kind this server does not read."
    PROOF_PURPOSE = "The proof was made for another purpose than to vouch for what it says."
    PROOF_CONTEXT = "The context of the proof is not that of the document."
    RESTRUCTURED = "The document uses words that could show other statements than those that were signed."
    KEY_TOO_LARGE = "The key is larger than this server computes with."
