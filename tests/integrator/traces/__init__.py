"""Message traces: what is kept of which message, and what it costs when nothing is asked for."""
