"""The gate in front of every route: who asks, whether they may, and what is recorded of it.

Law: a route that has no row in `permissions.ROUTES` is never served, and what is allowed is decided
by the route that was matched, never by the text of the path. Anything that leaves without having
been allowed by a matched route is replaced by a refusal.
Must not import api, ui, the loops, store or the composition root.
"""
