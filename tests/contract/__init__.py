"""Checks of promises about the code itself."""
