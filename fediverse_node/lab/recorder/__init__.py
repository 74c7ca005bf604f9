"""A real node's exchanges with other servers, written to a file as they happen."""
