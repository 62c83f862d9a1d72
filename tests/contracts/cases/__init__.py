"""One module a tag of a contract; every module here is read by the harness."""
