"""Every door to another system. Only this room speaks HTTP or SOAP to a foreign system."""
