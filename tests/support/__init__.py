"""What many tests need: real servers on free ports, and polling with a deadline."""
