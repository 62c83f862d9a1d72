"""The Celery application: queues by kind of work, so that a slow integration never delays a revocation."""

import os

from celery import Celery

from apim.up.celery_health import install

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apim.settings")

install()
app = Celery("apim")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
