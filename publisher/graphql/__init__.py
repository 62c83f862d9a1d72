"""GraphQL schemas: checked with their lines, read for operations and the costs of fields."""
