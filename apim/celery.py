"""The Celery application: queues by kind of work, so that a slow integration never delays a revocation."""

import os
import sys

from celery import Celery

from apim.up.celery_health import install

if "beat" in sys.argv[1:]:
    # Said, not offered: `manage.py up` hands its own settings down to the processes it starts.
    os.environ["DJANGO_SETTINGS_MODULE"] = "apim.beat_settings"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apim.settings")
# Django's checks load every page and form. The control plane runs them before it serves; workers start, and stay, small.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

install()
app = Celery("apim")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
