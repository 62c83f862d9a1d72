"""The gateway without a control plane: its records come from a file or a folder of API projects (docs/gateway-standalone.md)."""
