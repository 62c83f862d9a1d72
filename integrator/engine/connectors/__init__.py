"""The frame of built-in connectors: what one declares, how its operations are called, what its connections are kept in."""
