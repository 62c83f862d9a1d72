"""REST of the admin contract about what the publisher has: environments, categories, labels, providers, usage."""
