"""Applications as archives, in the form the original's command-line tool writes and reads (docs/archives.md)."""
