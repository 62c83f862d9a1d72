"""REST of the admin contract about rate limiting, below /api/am/admin/v4/throttling."""
