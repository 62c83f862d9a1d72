"""Key managers in the admin contract."""
