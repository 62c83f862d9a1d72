"""The benchmarks' own arithmetic; never a timing."""
