"""The DevOps REST API: log levels of single APIs, changed while gateways serve (as WSO2's devops v0)."""
