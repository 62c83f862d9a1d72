#!/usr/bin/env python
"""Django's door to the platform; `manage.py up` runs all of it."""

import os
import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["integrator"]:
        from integrator.alone import main  # noqa: PLC0415 - must be ready before Django would have been loaded

        sys.exit(main(sys.argv[2:]))
    if sys.argv[1:2] == ["gateway"]:
        from gateway.alone import main  # noqa: PLC0415 - without Django

        sys.exit(main(sys.argv[2:]))
    if sys.version_info < (3, 11):  # noqa: UP036 - the sentence is for those who come with an older one
        sys.exit("APIM needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apim.settings")
    if sys.argv[1:2] == ["up"]:
        from apim.up.options import apply  # noqa: PLC0415 - without Django, and before the settings are read

        apply(sys.argv[2:])
        from apim.up.run import main  # noqa: PLC0415

        sys.exit(main())
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - only after the settings are named

    execute_from_command_line(sys.argv)
