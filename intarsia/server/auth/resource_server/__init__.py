"""Access tokens: which issuers are trusted, how a token is verified, and how clients are told what is missing.

`settings`, `claims` and `flights` are plain Python; `signatures` and `keys` know JOSE; `fetching` is the only module
that opens connections; `guard` is the only one that knows HTTP from the inside.
"""
