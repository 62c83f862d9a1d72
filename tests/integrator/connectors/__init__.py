"""Built-in connectors, each against a real server where one can be had."""
