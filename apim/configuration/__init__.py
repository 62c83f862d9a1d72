"""What an organisation's administrators set for it: its configuration document, who may have which scope, theme, alerts, bots."""
