"""The wire format, pure: what other servers send becomes frozen values, what we say becomes JSON.

Lives here: Activity Streams documents, the JSON-LD gate, addressing, WebFinger, NodeInfo, media types,
URIs, and the HTML and plain text inside posts. Does not: sockets, keys, SQL, or the question whether
somebody may do a thing. May import: `base`, orjson, idna, nh3 and (lazily) pyld.

Reading never raises on any JSON value and never loops without a bound; what is too long is cut, not
refused, because a refused document would only be fetched again.
"""
