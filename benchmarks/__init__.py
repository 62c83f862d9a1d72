"""Side-by-side measurements: the same load, the same backend, the same core, ours beside nginx and Envoy."""
