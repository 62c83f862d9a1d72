"""Message traces on pages: the flow as rows, and what a step changed as a readable difference (docs/message-traces.md)."""
