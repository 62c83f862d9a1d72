"""WS-Security: policies as Rampart reads them, applied to messages that go out and enforced on those that come in."""
