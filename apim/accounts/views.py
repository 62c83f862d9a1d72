"""Pages of one's own account: log-in, log-out, sign-up, profile and password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout as end_session
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import get_script_prefix, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apim.accounts import doors, throttle
from apim.accounts.actions import users
from apim.accounts.backend import address_of
from apim.accounts.forms import LoginForm, PasswordForm, ProfileForm, SignUpForm
from apim.accounts.models import User
from apim.errors import ApimError, Forbidden
from apim.ui.forms import add_errors


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Ask for name and password, then go on to `next` if that is an address of this site."""
    if request.user.is_authenticated and request.method != "POST":
        return redirect(_next(request, request.user))
    form = LoginForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return doors.rules().enter(request, form.user, _next(request, form.user))
    wanted = request.GET.get("next") or request.POST.get("next") or ""
    ways = doors.rules().other_ways(request, wanted)
    context = {"form": form, "next": wanted, "login_page": True, "other_ways": ways}
    return render(request, "accounts/login.html", context)


def admin_login(request: HttpRequest) -> HttpResponse:
    """Django's admin asks at our door. Raises Forbidden for people who are logged in but no administrators."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise Forbidden(f"{request.user.username} is no administrator.")
    if request.user.is_authenticated:
        return redirect("admin:index")
    return redirect(
        f"{reverse('accounts:login')}?{urlencode({'next': request.GET.get('next') or reverse('admin:index')})}"
    )


def admin_password(request: HttpRequest) -> HttpResponse:
    """Django's admin changes passwords at our page, where the action writes the audit row."""
    return redirect("accounts:profile")


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    end_session(request)
    messages.info(request, "You are logged out.")
    return redirect("ui:home")


@sensitive_post_parameters("password", "repeated")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """Create an app developer's account in this organisation and log the person in."""
    if request.organisation is None or not request.organisation.self_signup:
        return render(request, "accounts/signup_closed.html", status=403)
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if not throttle.sign_up_allowed(address_of(request)):
                raise Forbidden("Too many accounts were made from your address. Try again in an hour.")
            given = {name: form.cleaned_data[name] for name in ("username", "email", "password")}
            user = users.sign_up(organisation=request.organisation, **given)
        except ApimError as error:
            add_errors(form, error)
        else:
            if not user.is_active:
                messages.info(request, "Thank you. An administrator decides on your account; you will get a mail.")
                return redirect("accounts:login")
            messages.success(request, f"Welcome, {user.username}. Find an API and subscribe an application to it.")
            return doors.rules().enter(request, user, _next(request, user))
    context = {"form": form, "next": request.GET.get("next") or request.POST.get("next") or "", "login_page": True}
    return render(request, "accounts/signup.html", context)


@login_required
@sensitive_post_parameters("current", "password", "repeated")
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change one's own particulars and password; the button's name says which form was sent."""
    about = request.method == "POST" and "change_password" not in request.POST
    secret = request.method == "POST" and not about
    forms = {
        "profile_form": ProfileForm(request.POST if about else None, instance=User.objects.get(pk=request.user.pk)),
        "password_form": PasswordForm(request.POST if secret else None),
    }
    if (about and _save_profile(request, forms["profile_form"])) or (
        secret and _save_password(request, forms["password_form"])
    ):
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", forms)


def _save_profile(request: HttpRequest, form: ProfileForm) -> bool:
    if not form.is_valid():
        return False
    try:
        users.update_user(by=request.user, user=request.user, **form.cleaned_data)
    except ApimError as error:
        add_errors(form, error)
        return False
    messages.success(request, "Your profile is saved.")
    return True


def _save_password(request: HttpRequest, form: PasswordForm) -> bool:
    if not form.is_valid():
        return False
    given = form.cleaned_data
    try:
        users.change_password(by=request.user, user=request.user, password=given["password"], current=given["current"])
    except ApimError as error:
        add_errors(form, error)
        return False
    # This session goes on; all others of this person end.
    update_session_auth_hash(request, request.user)
    messages.success(request, "Your password is changed. Other devices are logged out.")
    return True


def _next(request: HttpRequest, user: User) -> str:
    """Where to go after log-in: `next` when it is on this site, else the start page of the user's organisation."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return get_script_prefix() if request.tenant else f"{get_script_prefix().rstrip('/')}{user.organisation.prefix}/"
