"""Connectors that people could really use, one folder each. `README.md` beside this file says how to run them."""
