"""Reading, redacting, authorizing and rendering widgets."""
