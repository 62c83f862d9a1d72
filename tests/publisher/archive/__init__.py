"""Archives: written, read back elsewhere, refused when they are hostile."""
