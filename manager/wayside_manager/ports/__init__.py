"""What handlers and loops may know of the world. Everything behind a port raises only `wayside.errors` classes.

Store: what a method returned is committed and survives kill -9 and power loss. Every method is one transaction.
Times are aware UTC. An empty `etag` argument guards nothing; another that is not the present one is a ConflictError.
A `reach` argument says whose things the caller may see: what lies outside is as if it were not there.
"""
