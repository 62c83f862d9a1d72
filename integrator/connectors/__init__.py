"""Built-in connectors: one package each, loaded when a deployed artifact first names it. `CONNECTOR` is its declaration.

Nothing here may import a library that a start of the integrator would pay for.
"""

NAMES = (
    "amazons3",
    "db",
    "email",
    "file",
    "fileconnector",
    "googlespreadsheet",
    "http",
    "kafkaTransport",
    "ldap",
    "rabbitmq",
    "redis",
    "salesforcerest",
)
ALIASES = {"kafkaTransport": "kafka", "salesforce": "salesforcerest", "database": "db", "amazonS3": "amazons3"}
