"""Archives from scripts: `manage.py archive export api Orders 1.0.0`, `manage.py archive import Orders-1.0.0.zip --dry-run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apim.accounts.models import BuiltinRole, Organisation, User
from apim.errors import ApimError
from portal.archive import importing as applications
from portal.archive.exporting import export_application
from portal.models import Application
from publisher import queries
from publisher.archive import design, either
from publisher.archive.changes import Change
from publisher.archive.exporting import export_api
from publisher.archive.importing import Options
from publisher.archive.tree import MOST_PACKED, Tree, unpack
from publisher.policies import archive as policies
from publisher.products import PRODUCT

KINDS = ("api", "product", "app", "policy")


class Command(BaseCommand):
    """Writes an archive into a folder, or takes one in; in the name of an administrator, or of `--user`."""

    help = "Exports APIs, API products, applications and policies as archives, and imports them."

    def add_arguments(self, parser: CommandParser) -> None:
        """`export KIND NAME [VERSION]` and `import FILE`."""
        parser.add_argument("--organisation", default="", help="Its domain; the first one when not given.")
        parser.add_argument("--user", default="", help="In whose name; an administrator when not given.")
        verbs = parser.add_subparsers(dest="verb", required=True)
        out = verbs.add_parser("export", help="Write an archive.")
        out.add_argument("kind", choices=KINDS)
        out.add_argument("name")
        out.add_argument("version", nargs="?", default="", help="For an application: its owner.")
        out.add_argument("--to", default=".", help="The folder it is written into.")
        out.add_argument("--format", default="YAML", help="YAML or JSON.")
        out.add_argument("--revision", default="", help="Its number; the present design when not given.")
        out.add_argument("--latest", action="store_true", help="The latest revision.")
        out.add_argument("--drop-state", action="store_true", help="Leave the state of its life cycle out.")
        out.add_argument("--keys", action="store_true", help="An application's keys go along.")
        take = verbs.add_parser("import", help="Take an archive in, whatever it holds.")
        take.add_argument("file")
        take.add_argument("--overwrite", action="store_true", help="Change what is there already.")
        take.add_argument("--rotate", action="store_true", help="The oldest revision goes when there are five.")
        take.add_argument("--keep-owner", action="store_true", help="Provider or owner stay who they were.")
        take.add_argument("--params", default="", help="A file of parameters.")
        take.add_argument("--environment", default="", help="Which part of the parameters counts.")
        take.add_argument("--dry-run", action="store_true", help="Only say what would be different.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it. Raises CommandError with the reason when it is refused."""
        try:
            by = _user(options["organisation"], options["user"])
            if options["verb"] == "export":
                name, content = _exported(by, options)
                place = Path(options["to"]) / name
                place.write_bytes(content)
                self.stdout.write(str(place))
            else:
                self._import(by, options)
        except ApimError as error:
            more = "".join(f"\n  {one.field}: {one.message}" for one in error.fields[1:])
            raise CommandError(error.description + more) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error

    def _import(self, by: User, options: dict[str, Any]) -> None:
        with Path(options["file"]).open("rb") as file:
            content = file.read(MOST_PACKED + 1)
        tree = unpack(content)
        if _is_application(tree):
            given = applications.Options(
                update=options["overwrite"], preserve_owner=options["keep_owner"], dry_run=options["dry_run"]
            )
            outcome = applications.import_application(by=by, tree=tree, options=given)
            self._tell("application", outcome.changes, outcome.warnings + [reason for _, reason in outcome.skipped])
            return
        chosen = Options(
            overwrite=options["overwrite"],
            rotate=options["rotate"],
            preserve_provider=options["keep_owner"] or None,
            dry_run=options["dry_run"],
            environment=options["environment"],
            params=Path(options["params"]).read_text() if options["params"] else "",
        )
        kind, found, changes = either.take(by=by, content=content, options=chosen)
        self._tell(kind, changes, found.warnings if found is not None else [])

    def _tell(self, kind: str, changes: list[Change], warnings: list[str]) -> None:
        self.stdout.write(f"{kind}: {len(changes)} changes")
        for one in changes:
            values = f": {one.before} → {one.after}" if one.field else ""
            self.stdout.write(f"  {one.kind} {one.file} {one.field}".rstrip() + values)
        for text in warnings:
            self.stderr.write(text)


def _user(domain: str, name: str) -> User:
    organisations = Organisation.objects.filter(domain=domain) if domain else Organisation.objects.order_by("pk")
    organisation = organisations.first()
    if organisation is None:
        raise CommandError(f"There is no organisation {domain!r}.")
    people = User.objects.filter(organisation=organisation, is_active=True)
    people = people.filter(username=name) if name else people.filter(roles__name=BuiltinRole.ADMIN)
    found = people.order_by("pk").first()
    if found is None:
        raise CommandError(
            f"There is no user {name!r} in {organisation}." if name else f"{organisation} has no administrator."
        )
    return found


def _exported(by: User, options: dict[str, Any]) -> tuple[str, bytes]:
    kind, name, version = options["kind"], options["name"], options["version"]
    form = options["format"]
    if kind == "policy":
        policy = _one(queries.policies(by).filter(name=name, **({"version": version} if version else {})), kind, name)
        return policies.write(policy, form)
    if kind == "app":
        rows = Application.objects.filter(organisation=by.organisation_id, name=name).select_related("owner")
        application = _one(rows.filter(**({"owner__username": version} if version else {})), "application", name)
        return export_application(application=application, keys=options["keys"], form=form.upper())
    rows = queries.apis(by).filter(name__iexact=name, **({"version": version} if version else {}))
    rows = rows.filter(kind=PRODUCT) if kind == "product" else rows.exclude(kind=PRODUCT)
    api = _one(rows.order_by("-created"), kind, name)
    revision = design.chosen(api, options["revision"], latest=options["latest"])
    return export_api(by=by, api=api, revision=revision, form=form.upper(), keep_state=not options["drop_state"])


def _one(rows: Any, kind: str, name: str) -> Any:
    found = rows.first()
    if found is None:
        raise CommandError(f"There is no {kind} {name!r}.")
    return found


def _is_application(tree: Tree) -> bool:
    files = applications.FILES
    return bool(tree.first(*files)) or any(tree.below(folder).first(*files) for folder in tree.folders())
