"""WS-Security of proxies and endpoints."""
