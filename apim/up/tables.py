"""The tables of the database: made whole in an empty SQLite file, brought up to date by migrations anywhere else.

Migrations rebuild the history of every table, which takes seconds before a first start. In an empty file the result can be
written down at once; the migrations then count as applied, and later ones run as ever. Steps that change rows have nothing to do
there. `tests/apim/up/test_tables.py` compares what both ways make. On PostgreSQL two names and one width of other people's tables
would differ, so that it always gets its history.
"""

from __future__ import annotations

import structlog
from django.apps import apps
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

log = structlog.get_logger(__name__)


def bring_up_to_date() -> None:
    """Make or change tables until they fit the models. Raises DatabaseError when the database refuses."""
    if connection.vendor == "sqlite" and not connection.introspection.table_names():
        make_all()
        return
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        log.info("bootstrap.migrate", steps=len(missing))
        call_command("migrate", interactive=False, verbosity=0)


def make_all() -> None:
    """Make every table on an empty database, all or none, and note the migrations as applied."""
    models = [model for model in apps.get_models() if model._meta.can_migrate(connection)]
    with connection.schema_editor(atomic=True) as editor:
        for model in models:
            editor.create_model(model)
        recorder = MigrationRecorder(connection)
        recorder.ensure_schema()
        for app, name in MigrationLoader(None).disk_migrations:
            recorder.record_applied(app, name)
    emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
    log.info("bootstrap.tables", tables=len(models))
