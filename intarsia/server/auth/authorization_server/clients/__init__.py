"""OAuth clients: how they register, where they may be redirected, and which metadata documents are fetched."""
