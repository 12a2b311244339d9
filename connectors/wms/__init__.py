"""The door to the WMS."""
