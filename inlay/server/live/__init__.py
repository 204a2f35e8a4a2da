"""Widgets that follow the world: topics, the changes of them, and waiting for one. Knows no protocol and no web."""
