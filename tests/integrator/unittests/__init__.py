"""Unit tests of artifacts: suites as the original's tools write them, run by the command and by the agent."""
