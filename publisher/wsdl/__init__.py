"""WSDL definitions: read safely, told about, turned into REST resources with their mediation."""
