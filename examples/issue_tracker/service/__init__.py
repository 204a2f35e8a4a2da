"""A small issue tracker: a separate HTTP service with its own users, which does not depend on Intarsia."""
