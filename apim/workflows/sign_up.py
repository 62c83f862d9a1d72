"""Sign-ups that somebody must approve: the account exists but is switched off; rejecting removes it."""

from __future__ import annotations

from apim.accounts import audit
from apim.accounts.models import User
from apim.workflows import registry
from apim.workflows.actions.tasks import begin, withdraw
from apim.workflows.models import Kind, Task


def register() -> None:
    """Say what is done with decided sign-ups."""
    registry.handles(Kind.USER_SIGNUP, approve, reject)


def hold(user: User) -> bool:
    """Whether the new account `user` waits for a decision; runs in the transaction of the sign-up."""
    task = begin(
        by=user,
        kind=Kind.USER_SIGNUP,
        organisation=user.organisation,
        subject=user,
        description=f"Approve the self sign-up of {user.username} ({user.email}).",
        properties={"userName": user.username, "emailAddress": user.email},
        payload={"email": user.email},
    )
    return task is not None


def settled(by: User | None, user: User) -> None:
    """Nobody need decide any more: an administrator did something with the account itself."""
    withdraw(by=by, subject=user)


def approve(task: Task) -> None:
    """The person may log in."""
    user = User.objects.filter(pk=task.subject_id).first()
    if user is not None:
        user.is_active = True
        user.save(update_fields=["is_active"])
        audit.record(None, "user.set_active", user, before={"active": False}, after={"active": True})


def reject(task: Task) -> None:
    """The account goes, so that the name is free again."""
    user = User.objects.filter(pk=task.subject_id, is_active=False).first()
    if user is not None:
        audit.record(None, "user.delete", user, before={"username": user.username})
        user.delete()
