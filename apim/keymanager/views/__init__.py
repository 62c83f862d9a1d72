"""Endpoints and pages of the key manager."""
