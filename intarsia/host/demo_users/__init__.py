"""Demo users of the local host, with a small issuer."""
