"""Changes of topics: their revisions, and the calls that wait for them."""
