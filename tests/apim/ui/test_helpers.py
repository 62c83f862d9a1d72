"""Template helpers, navigation and form errors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.template import TemplateSyntaxError
from django.utils import timezone

from apim.accounts.models import Organisation
from apim.errors import Conflict, FieldError, Invalid
from apim.ui import nav
from apim.ui.forms import add_errors
from apim.ui.icons import ICONS
from apim.ui.templatetags import ui


@pytest.mark.parametrize("name", sorted(ICONS))
def test_every_icon_draws(name: str) -> None:
    assert ui.icon(name).startswith(f'<svg class="icon icon-{name}" viewBox="0 0 24 24" aria-hidden="true"><path d="')


def test_icon_with_a_label_is_announced() -> None:
    assert 'role="img" aria-label="A &lt;b&gt;"' in ui.icon("plus", "A <b>")


def test_unknown_icon_is_refused_by_name() -> None:
    with pytest.raises(TemplateSyntaxError, match="'plutonium' does not exist"):
        ui.icon("plutonium")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("PUBLISHED", '<span class="badge badge-ok">Published</span>'),
        ("PROTOTYPED", '<span class="badge badge-info">Pre-released</span>'),
        (True, '<span class="badge badge-ok">Yes</span>'),
        ("<odd>", '<span class="badge badge-mute">&lt;odd&gt;</span>'),
    ],
)
def test_state_badge(state: object, expected: str) -> None:
    assert ui.state_badge(state) == expected


def test_verb_of_another_kind_is_escaped() -> None:
    assert ui.verb_badge("get") == '<span class="verb verb-get">GET</span>'
    assert ui.verb_badge("<x>") == '<span class="verb verb-other">&lt;X&gt;</span>'


def test_ago_has_words_and_the_exact_time() -> None:
    text = ui.ago(timezone.now() - timedelta(hours=2, seconds=5))
    assert ">2\xa0hours ago</time>" in text
    assert "UTC" in text
    assert "just now" in ui.ago(timezone.now())
    assert ui.ago(None) == "–"


def test_initials() -> None:
    assert [ui.initials(name) for name in ("alice", "ann-lee@acme.com", "Pizza shop", "")] == ["A", "AL", "PS", "?"]


@pytest.fixture
def bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nav, "_items", {})
    nav.register("test", "Profile", "accounts:profile", login=True, order=2)
    nav.register("test", "Log in", "accounts:login", order=1)
    nav.register("test", "Secret", "ui:styleguide", ("Internal/creator",), order=3)
    nav.register("test", "Broken", "no:such", order=4)


def test_links_follow_roles_and_order(bar: None, organisation: Organisation, make_user) -> None:
    creator, other = make_user(organisation, "Internal/creator"), make_user(organisation)
    labels = [[link.label for link in nav.links("test", user, "/")] for user in (AnonymousUser(), other, creator)]
    assert labels == [["Log in"], ["Log in", "Profile"], ["Log in", "Profile", "Secret"]]


def test_the_longest_address_is_the_current_one(bar: None) -> None:
    (link,) = nav.links("test", AnonymousUser(), "/accounts/login/?next=/")
    assert (link.url, link.current) == ("/accounts/login/", True)
    assert not nav.links("test", AnonymousUser(), "/elsewhere")[0].current


def test_registering_twice_changes_nothing(bar: None) -> None:
    nav.register("test", "Log in", "accounts:login", order=1)
    assert len(nav.links("test", AnonymousUser(), "/")) == 1


class SomeForm(forms.Form):
    name = forms.CharField()


def test_action_errors_go_to_their_fields() -> None:
    form = SomeForm({"name": "x"})
    add_errors(form, Invalid("", [FieldError("name", "taken"), FieldError("endpoint.url", "must be http")]))
    assert form.errors == {"name": ["taken"], "__all__": ["endpoint.url: must be http"]}
    form = SomeForm({"name": "x"})
    add_errors(form, Conflict("It exists."))
    assert form.non_field_errors() == ["It exists."]


def test_tabs_of_a_group_stand_in_a_second_row() -> None:
    """The first row has one tab for the group; the second its members, only while one of them is open."""
    loose = nav.Link("Overview", "/a/", "info", current=False)
    members = [nav.Link(name, f"/a/{name}/", "edit", current=name == "two", group="Design") for name in ("one", "two")]
    first, second = nav.grouped([loose, *members])
    assert first == [loose, nav.Link("Design", "/a/one/", "edit", current=True)]
    assert second == members
    elsewhere = [nav.Link("Overview", "/a/", "info", current=True), members[0]]
    assert nav.grouped(elsewhere)[1] == []
