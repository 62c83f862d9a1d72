"""Unit tests of artifacts: runs Synapse unit-test suites on a home of their own (docs/unit-tests.md). Knows no Django."""
