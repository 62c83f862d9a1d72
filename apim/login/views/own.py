"""The page of one's own second factor: set up, new recovery codes, removal."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apim.errors import ApimError
from apim.login import rules, second_factor
from apim.login.actions import second_factors
from apim.login.forms import CodeForm
from apim.login.qr import picture
from apim.ui.forms import add_errors


@login_required
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """The state, and what can be done about it; the button's name says what."""
    active = second_factor.factor_of(request.user)
    form = CodeForm(request.POST if "code" in request.POST else None, recovery=active is not None)
    if request.method == "POST":
        answer = _done(request, form)
        if answer is not None:
            return answer
    waiting = None if active else getattr(request.user, "second_factor", None)
    context = {
        "form": form, "active": active, "shown": picture(waiting) if waiting else None,
        "required": rules.needs_second_factor(request.user), "left": active.recovery_codes.count() if active else 0,
    }  # fmt: skip
    return render(request, "login/own.html", context)


def _done(request: HttpRequest, form: CodeForm) -> HttpResponse | None:
    """Carry out what was asked; None when the form shows what is wrong."""
    if "begin" in request.POST:
        second_factors.begin(by=request.user)
        return redirect("login:own")
    if not form.is_valid():
        return None
    code = form.cleaned_data["code"]
    try:
        if "remove" in request.POST:
            second_factors.remove(by=request.user, code=code)
            messages.success(request, "Your second factor is removed.")
            return redirect("login:own")
        take = second_factors.renew_codes if "renew" in request.POST else second_factors.confirm
        return render(request, "login/codes.html", {"codes": take(by=request.user, code=code), "on": "login:own"})
    except ApimError as error:
        add_errors(form, error)
        return None
