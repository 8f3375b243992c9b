"""Activities that no workflow asked for: each is carried out by a built-in workflow that does nothing else.

The client's side is `foldlog.client`'s.
"""
