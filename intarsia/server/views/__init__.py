"""The state of open Views: signed handles, idempotency keys, confirmations, and which View is the latest."""
