"""email: sends by SMTP, and looks after a mailbox by IMAP."""

from integrator.connectors.email import mailbox, sending
from integrator.connectors.email.connection import CONNECTOR

__all__ = ["CONNECTOR", "mailbox", "sending"]
