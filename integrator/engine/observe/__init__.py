"""Seeing a running integrator: log files, loggers, access and wire logs, counters, heartbeat. None costs while it is off."""
