"""Tests of the publisher through its actions, REST resources and pages."""
