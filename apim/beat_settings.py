"""Django's settings for Celery beat: a scheduler reads its own tables and sends names of tasks, so it loads no other app."""

from apim.settings import *  # noqa: F403 - the same settings but for what is said here

INSTALLED_APPS = ["django.contrib.contenttypes", "django_celery_beat"]
