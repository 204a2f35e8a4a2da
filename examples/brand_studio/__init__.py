"""Brand studio: the design tokens of two brands, stored in a database file."""

from examples.brand_studio.tools import brands as connector

__all__ = ["connector"]
