"""The management API of the integrator: its contract, and what each call does."""
