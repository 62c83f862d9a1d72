"""What scripts and classes see of a message, and the engine that runs JavaScript."""
