"""Runs and prepares the whole platform: `manage.py up`, `bootstrap`, `load_sample`.

What `up` itself imports stays free of Django, so that the supervisor starts at once and stays small.
"""
