"""The audit log: who did what, and how. Each row holds a hash of the row before, so that no row can be removed."""
