"""The management API of the integrator at /management (reference 7.1)."""
