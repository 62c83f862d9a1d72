"""file: files and folders of the disk (inside folders that the operator allows), and of FTP, FTPS and SFTP servers."""

from integrator.connectors.file import archives, changing, reading
from integrator.connectors.file.connection import CONNECTOR

__all__ = ["CONNECTOR", "archives", "changing", "reading"]
