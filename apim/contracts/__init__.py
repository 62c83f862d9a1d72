"""The management REST contracts: which operations they have, which of them run here, and the answer of those that do not."""
