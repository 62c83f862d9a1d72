"""REST of the admin contract about an organisation's configuration, below /api/am/admin/v4."""
