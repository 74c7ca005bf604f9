"""Cryptography: keys, digests and HTTP message signatures, both ways.

Lives here: draft-cavage-12 and RFC 9421 (parse, check, verify, sign), Digest and Content-Digest, key
formats, what a peer says about the signatures it reads. Does not: fetch keys, decide who may do what,
remember anything, or do I/O of any kind. May import: `base` and the `cryptography` and `http_sf`
packages; nobody else imports `cryptography`.

Receiving: `claim.parse_claims` -> `verify.check_claim` -> (the caller finds the key) ->
`verify.verify_claim`. Only a `Proven` counts: everything else is a refusal with a reason.
Sending: `sign.sign_cavage` or `sign.sign_rfc9421`; or `prepare_*`, the key's `sign` in a thread, and
`Prepared.finish`.
"""
