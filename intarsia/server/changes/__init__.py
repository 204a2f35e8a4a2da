"""Which topics changed when, and who waits for it."""
