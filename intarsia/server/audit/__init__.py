"""The audit log: who did what, and by which hand. Each row seals the one before, so that nothing can be taken out."""
