"""An empty SQLite file gets the same tables at once as by all migrations, and no later run finds anything left to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHOW = """
import json, re, sys, django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from apim.up import tables
if sys.argv[1] == "whole":
    tables.bring_up_to_date()
else:
    call_command("migrate", verbosity=0, interactive=False)
look = connection.introspection

def plain(name):
    # SQLite counts what has no name in the order of its making.
    return re.sub(r"^(fk|__unnamed_constraint)_\\d+(__)?$|^(sqlite_autoindex_.*)_\\d+$", "unnamed", name)

found = {}
with connection.cursor() as cursor:
    for table in sorted(look.table_names(cursor)):
        if table == "django_migrations":
            continue
        described = look.get_table_description(cursor, table)
        columns = sorted((c.name, str(c.type_code), c.null_ok, c.internal_size) for c in described)
        constraints = look.get_constraints(cursor, table)
        found[table] = {
            "columns": columns,
            "constraints": sorted((
                (plain(name), c["columns"], c["primary_key"], c["unique"], c["foreign_key"], c["check"], c["index"])
                for name, c in constraints.items()
            ), key=str),
        }
executor = MigrationExecutor(connection)
left = executor.migration_plan(executor.loader.graph.leaf_nodes())
from django.contrib.auth.models import Permission
print(json.dumps({"tables": found, "left": len(left), "permissions": Permission.objects.count()}, default=str))
"""


def made(way: str, folder: Path) -> dict[str, Any]:
    """What a fresh process makes of an empty database in this way: `whole` or `migrated`."""
    folder.mkdir()
    environment = os.environ | {
        "APIM_VAR": str(folder),
        "DJANGO_SETTINGS_MODULE": "apim.settings",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("DATABASE_URL", None)
    done = subprocess.run([sys.executable, "-c", SHOW, way], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """Made at once, and by all migrations."""
    folder = tmp_path_factory.mktemp("tables")
    return made("whole", folder / "whole"), made("migrated", folder / "migrated")


def test_both_ways_make_the_same_tables(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    whole, migrated = both
    assert whole["tables"].keys() == migrated["tables"].keys()
    differing = {
        name: (whole["tables"][name], migrated["tables"][name])
        for name in whole["tables"]
        if whole["tables"][name] != migrated["tables"][name]
    }
    assert not differing


def test_nothing_is_left_to_do(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    whole, migrated = both
    assert (whole["left"], migrated["left"]) == (0, 0)
    assert whole["permissions"] == migrated["permissions"] > 0
