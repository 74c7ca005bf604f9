"""Room: everything this server asks of other servers over HTTP, through one guarded client.

Here: the client (addresses, sizes, times and redirects bounded), signed requests, dereferencing of
documents, keys, collections and handles, and the killable process for foreign JSON-LD. Not here: what a
document means for us (domain), who is asked and when again (inbox, delivery), what other servers ask of
us (web). May import protocol, signatures, base. No other room opens an outbound connection.
"""
