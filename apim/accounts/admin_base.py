"""The base of every admin page: organisations are kept apart, writes go through actions, mistakes become messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import IntegrityError, transaction
from django.db.models import Field, ForeignKey, ManyToManyField, Model, QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin

from apim.accounts import audit
from apim.accounts.admin_refusals import refused
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.queries import sees_every_organisation
from apim.errors import ApimError, Conflict

_SECRET_WORDS = ("password", "secret", "token", "private", "pem")


class _Transactions(admin.ModelAdmin):
    """Stands below the design's own class, where Django would begin a transaction around the whole of a form."""

    calls_elsewhere: ClassVar[bool] = False
    """Whether saving asks other servers: their answers are not waited for inside a transaction. Actions have their own."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """In a transaction, as usual, unless others are asked."""
        if self.calls_elsewhere:
            return self._changeform_view(request, *_arguments(*args, **kwargs))
        return super().changeform_view(request, *args, **kwargs)


def _arguments(
    object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
) -> tuple[Any, ...]:
    return object_id, form_url, extra_context


class OrganisationAdmin(ModelAdmin, _Transactions):
    """For models that belong to an organisation: its administrators see and change its rows, the platform's see all.

    `organisation_path` is the look-up from the model to its organisation (`api__organisation`). A room whose writes are
    actions overrides `perform_save` and `perform_delete` and calls them there.
    """

    organisation_path = "organisation"
    places: ClassVar[dict[str, str]] = {}
    """Names of fields in refusals → names in the form, where they differ by more than their style."""

    list_fullwidth = True
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Rows of the user's organisation; all for administrators of the platform."""
        rows = super().get_queryset(request)
        return (
            rows
            if sees_every_organisation(request.user)
            else rows.filter(**{self.organisation_path: request.user.organisation})
        )

    def perform_save(self, request: HttpRequest, obj: Model, form: ModelForm, change: bool) -> None:
        """Write `obj`. This plain form saves it and notes the changed fields in the audit trail."""
        obj.save()
        after = {name: _shown(name, form.cleaned_data.get(name)) for name in form.changed_data}
        kind = obj._meta.model_name
        owner = None if hasattr(obj, "organisation") else request.user.organisation
        audit.record(request.user, f"{kind}.{'update' if change else 'create'}", obj, after=after, organisation=owner)

    def perform_delete(self, request: HttpRequest, obj: Model) -> None:
        """Delete `obj`, with an audit row."""
        owner = None if hasattr(obj, "organisation") else request.user.organisation
        audit.record(request.user, f"{obj._meta.model_name}.delete", obj, organisation=owner)
        obj.delete()

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm, change: bool) -> None:
        """A new row of a tenant's administrator belongs to the tenant, whatever was sent."""
        if self.organisation_path == "organisation" and (not change or not sees_every_organisation(request.user)):
            _set_organisation(request, obj)
        try:
            self.perform_save(request, obj, form, change)
        except IntegrityError as error:
            # The form could not compare with others: it does not hold the organisation.
            raise Conflict(f"There is another {obj._meta.verbose_name} with these values.") from error

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """One row, through `perform_delete`."""
        self.perform_delete(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Chosen rows, each through `perform_delete`; all or none."""
        with transaction.atomic():
            for obj in queryset:
                self.perform_delete(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What an action refuses is shown at its field, and what was typed stays."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ApimError as error:
            if request.method != "POST":
                raise
            request.refusal = error
            for upload in request.FILES.values():
                upload.seek(0)
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """After a refusal, the form that shows it."""
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return form if refusal is None else refused(form, refusal, self.places)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The same for deleting."""
        return _explained(request, lambda: super(OrganisationAdmin, self).delete_view(request, *args, **kwargs))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The same for what is done to chosen rows."""
        return _explained(request, lambda: super(OrganisationAdmin, self).changelist_view(request, *args, **kwargs))

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        """An address without a scheme means https."""
        if isinstance(db_field, URLField):
            kwargs.setdefault("assume_scheme", "https")
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        """Only rows of the user's organisation can be chosen."""
        kwargs.setdefault("queryset", _choices(request, db_field.remote_field.model))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        """Only rows of the user's organisation can be chosen."""
        kwargs.setdefault("queryset", _choices(request, db_field.remote_field.model))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """A tenant's administrator has no choice of organisation."""
        hidden = [] if sees_every_organisation(request.user) else ["organisation"]
        return [*(super().get_exclude(request, obj) or ()), *hidden]

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """The same for pages that name their fields."""
        hidden = set(self.get_exclude(request, obj))
        return [
            (title, {**options, "fields": _without(options["fields"], hidden)})
            for title, options in self.all_fieldsets(request, obj)
        ]

    def all_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """What pages show to administrators of the platform; rooms that arrange fields override this."""
        return super().get_fieldsets(request, obj)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Filters by organisation, and by values of related rows (Django lists everybody's), are the platform's."""
        found = list(super().get_list_filter(request))
        if sees_every_organisation(request.user):
            return found
        return [one for one in found if isinstance(one, str) and one != "organisation" and "__" not in one]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Administrators only."""
        return _is_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Administrators only; the rows are filtered by `get_queryset`."""
        return _is_admin(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Administrators only."""
        return _is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Administrators only."""
        return _is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Administrators only."""
        return _is_admin(request)


class ReadOnly:
    """Mixed in before an admin class: to look at, never to change."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False


class PlatformAdmin(OrganisationAdmin):
    """For rows that belong to no organisation (gateways, schedules): only administrators of the platform see them."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Everything: others do not get here."""
        return ModelAdmin.get_queryset(self, request)

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm, change: bool) -> None:
        """There is no organisation to set."""
        self.perform_save(request, obj, form, change)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Administrators of the platform only."""
        return sees_every_organisation(request.user)

    has_view_permission = has_add_permission = has_change_permission = has_delete_permission = (
        lambda self, request, obj=None: sees_every_organisation(request.user)
    )


def people_of(request: HttpRequest, model: type[Model]) -> QuerySet[Any]:
    """Active users of the organisation of the row that is being changed (by its path), else of the viewer's."""
    match = request.resolver_match
    identifier = match.kwargs.get("object_id") if match else None
    row = model._default_manager.filter(pk=identifier).first() if identifier else None
    owner = row.organisation if row is not None else request.user.organisation
    return User.objects.filter(organisation=owner, is_active=True).order_by("username")


def _without(names: Iterable[Any], hidden: set[str]) -> list[Any]:
    rows = (tuple(one for one in row if one not in hidden) if isinstance(row, list | tuple) else row for row in names)
    return [row for row in rows if row and not (isinstance(row, str) and row in hidden)]


def _is_admin(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_staff and request.user.has_role(BuiltinRole.ADMIN)


def _set_organisation(request: HttpRequest, obj: Model) -> None:
    chosen = getattr(obj, "organisation_id", None)
    if chosen is None or not sees_every_organisation(request.user):
        obj.organisation = request.user.organisation


def _choices(request: HttpRequest, model: type[Model]) -> QuerySet[Any]:
    rows = model._default_manager.all()
    if sees_every_organisation(request.user):
        return rows
    if model is Organisation:
        return rows.filter(pk=request.user.organisation_id)
    owned = any(field.name == "organisation" for field in model._meta.get_fields())
    return rows.filter(organisation=request.user.organisation) if owned else rows


def _explained(request: HttpRequest, view: Any) -> HttpResponse:
    try:
        return view()
    except ApimError as error:
        if request.method != "POST":
            raise
        for text in [f"{wrong.field}: {wrong.message}" for wrong in error.fields] or [error.description]:
            messages.error(request, text)
        return HttpResponseRedirect(request.get_full_path())


def _shown(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return "***"
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
