"""A start that cannot succeed, said in one sentence."""


class Trouble(Exception):
    """Why the platform cannot start here, and what would help. Shown without a traceback; exit code 1."""
