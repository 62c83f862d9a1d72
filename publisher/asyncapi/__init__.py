"""AsyncAPI 2.x definitions of streaming APIs: checked with places, turned into topics, written for APIs designed by hand."""
