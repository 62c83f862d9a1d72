"""Pages between a right password and the session: the code, setting up a second factor, a new password."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apim.accounts.actions.users import replace_expired_password
from apim.accounts.models import User
from apim.errors import ApimError
from apim.login import pending, rules, second_factor
from apim.login.actions import second_factors
from apim.login.forms import CodeForm, NewPasswordForm
from apim.login.qr import picture
from apim.ui.forms import add_errors

Step = Callable[[HttpRequest, User], HttpResponse]


def _step(view: Step) -> Callable[[HttpRequest], HttpResponse]:
    """For people whose log-in is half done; others start over."""

    @never_cache
    @sensitive_post_parameters("code", "password", "repeated")
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def viewed(request: HttpRequest) -> HttpResponse:
        user = pending.who(request)
        if user is None:
            messages.info(request, "Please log in again.")
            return redirect("accounts:login")
        return view(request, user)

    return viewed


@_step
def challenge(request: HttpRequest, user: User) -> HttpResponse:
    """Ask for a code of the authenticator."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            second_factor.check(user, form.cleaned_data["code"])
        except ApimError as error:
            add_errors(form, error)
        else:
            pending.note(request, user, proven=True)
            return pending.go_on(request, user)
    return render(request, "login/challenge.html", {"form": form, "login_page": True})


@_step
def enrol(request: HttpRequest, user: User) -> HttpResponse:
    """The organisation asks this person for a second factor: set it up, see the recovery codes, go on."""
    if second_factor.factor_of(user) is not None:
        # The recovery codes were shown; whoever comes here again by another way is asked for a code.
        return pending.go_on(request, user)
    form = CodeForm(request.POST or None, recovery=False)
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_factors.confirm(by=user, code=form.cleaned_data["code"])
        except ApimError as error:
            add_errors(form, error)
        else:
            pending.note(request, user, proven=True)
            return render(request, "login/codes.html", {"codes": codes, "login_page": True, "on": "login:on"})
    shown = picture(second_factors.begin(by=user))
    return render(request, "login/enrol.html", {"form": form, "shown": shown, "login_page": True})


@_step
def on(request: HttpRequest, user: User) -> HttpResponse:
    """After the recovery codes."""
    return pending.go_on(request, user)


@_step
def renew(request: HttpRequest, user: User) -> HttpResponse:
    """The password has expired: choose another."""
    if not _may_renew(request, user):
        return pending.go_on(request, user)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            replace_expired_password(by=user, password=form.cleaned_data["password"])
        except ApimError as error:
            add_errors(form, error)
        else:
            pending.note(request, user)
            return pending.go_on(request, user)
    return render(request, "login/renew.html", {"form": form, "login_page": True})


def _may_renew(request: HttpRequest, user: User) -> bool:
    """Only as the step whose turn it is: not before the second factor, and only for an expired password."""
    proven = request.session[pending.KEY]["proven"] or not (
        second_factor.factor_of(user) is not None or rules.needs_second_factor(user)
    )
    return proven and rules.password_expired(user, rules.of(user.organisation))
