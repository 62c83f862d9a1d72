"""The dashboard of integrators in the admin site: asks their management API, shows and switches what they run."""
