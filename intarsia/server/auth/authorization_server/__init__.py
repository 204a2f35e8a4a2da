"""Sign-in without another service: a small authorization server beside `/mcp`, for a demo or a small team.

Three halves that know little of each other: what is kept (`tables`, `accounts`, `clients`, `ledger`, `sessions`), what
people see (`consenting`, `entering`, `apps`, drawn by `drawing`), and what programs ask (`exchanging`, `registering`,
`revoking`, `metadata`). `settings` is what a developer writes, `issuing` puts it together.
"""
