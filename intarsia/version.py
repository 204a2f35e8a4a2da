"""The version of Intarsia."""

__version__ = "0.1.0"
