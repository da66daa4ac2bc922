"""Features: the catalogue and the matrix built from it."""
