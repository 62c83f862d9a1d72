"""Real mail servers for tests: Dovecot (IMAP) as a process of its own, aiosmtpd (SMTP) in a thread."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.authority import Certified
from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.wait import until

CONFIGURATION = """
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""
SECURE = """
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
service imap-login {{
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
}}
"""


@contextmanager
def running_dovecot(
    folder: Path, user: str, password: str, secure: tuple[int, Certified] | None = None
) -> Iterator[tuple[int, Path]]:
    """Port and inbox (a maildir) of the user; `secure`: IMAPS on a port, and STARTTLS. Skips, saying why, without Dovecot."""
    import grp  # noqa: PLC0415  (only where there is a Dovecot)
    import pwd  # noqa: PLC0415

    import pytest  # noqa: PLC0415  (other helpers of this file run without it)

    binary = shutil.which("dovecot") or "/usr/sbin/dovecot"
    if not Path(binary).exists():
        pytest.skip("Dovecot is not installed (Debian: dovecot-imapd): there is no IMAP server to ask")
    if os.getuid() != 0:
        pytest.skip("Dovecot is started by root only")
    short = Path("/tmp") / f"dovecot-{os.getpid()}-{free_port()}"  # noqa: S108  (its sockets need a short path)
    short.mkdir(mode=0o755)
    inbox = short / "mail" / user
    for part in ("cur", "new", "tmp"):
        (inbox / part).mkdir(parents=True)
    for path in [short, *short.rglob("*")]:
        os.chown(path, pwd.getpwnam("dovecot").pw_uid, grp.getgrnam("dovecot").gr_gid)
    port = free_port()
    given = {
        "folder": short, "user": "dovecot", "group": "dovecot", "password": password, "port": port,
        "uid": pwd.getpwnam("dovecot").pw_uid, "gid": grp.getgrnam("dovecot").gr_gid,
    }  # fmt: skip
    text = CONFIGURATION.format(**given)
    if secure is not None:
        text += SECURE.format(port=secure[0], certificate=secure[1].certificate, key=secure[1].key)
    (short / "dovecot.conf").write_text(text)
    try:
        with Process([binary, "-F", "-c", str(short / "dovecot.conf")], os.environ, folder / "out.log") as process:

            def answers() -> bool:
                assert process.running, process.log
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as probe:
                    return probe.recv(4) == b"* OK"
                return False

            until(answers, seconds=20, every=0.05, what="the IMAP server answers")
            yield port, inbox
    finally:
        shutil.rmtree(short, ignore_errors=True)
