"""REST of the admin contract about what the portal has: applications and their owners."""
