"""The migrations of Intarsia's own tables, one module for each version. CONTRIBUTING.md says how to write one.

Alembic loads these modules by their path, and runs them in the order of `down_revision`. A migration never imports the
tables of today: it must do in years what it does now.
"""
