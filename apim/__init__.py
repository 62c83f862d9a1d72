"""The project: settings, URLs, Celery, and the ground floor apps of the control plane."""
