"""The simulated warehouse management system: SOAP 1.1 with a published WSDL over one SQLite database."""
