"""The test suite; folders mirror the rooms of the house."""
