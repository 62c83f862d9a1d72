"""The sample: an API made from the catalog's `order` service, one from an OpenAPI file, and an application that calls both."""
