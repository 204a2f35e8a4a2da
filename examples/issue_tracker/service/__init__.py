"""A small issue tracker: an HTTP service of its own, with its own people. It knows nothing of Intarsia."""
