"""The protocol of OAuth: requests, grants, tokens, and apps that register."""
