"""The gateway's management REST below /api/am/gateway/v2: what it runs, and taking single APIs off it and back."""
