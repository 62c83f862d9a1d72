#!/usr/bin/env python
"""Django's door to the platform; `manage.py up` runs all of it."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apim.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - only after the settings are named

    execute_from_command_line(sys.argv)
