"""Forms of the publisher's pages. They carry text to the actions, which do the checking."""
