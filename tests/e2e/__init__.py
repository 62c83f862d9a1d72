"""Whole platforms as real processes, driven as people and programs do."""
