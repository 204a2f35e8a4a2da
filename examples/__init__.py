"""Example connectors, one folder each. `README.md` in this folder says how to run them."""
